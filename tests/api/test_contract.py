"""Whatever is sent, the API answers as its document says: drawn requests against every operation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig as Config
from sqlalchemy.orm import Session

from activities.halt_messages import HaltStatus, ReviewIn, ReviewOut, TripIn
from adapters.objects import ObjectStore
from adapters.storage.engine import connect, sqlite_url
from api.access.limits import Buckets
from api.access.roles import Role, Scope
from api.app import Parts, application
from api.routes import events
from temporal.client import Server
from temporal.guards import Guards
from tests.history import with_a_past
from tests.installation import PASSWORD, Clock
from trading.errors import VenueUnavailable
from trading.risk.trading_state import ACTIVE

REQUESTS_AN_OPERATION = 8

DOCUMENT = Path(__file__).resolve().parents[2] / "web" / "openapi.json"
OPERATIONS = [
    (path, method) for path, item in json.loads(DOCUMENT.read_text())["paths"].items() for method in item
]

JUDGED = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409", "429"]}
    }
}
"""400 too: which cursors exist is not said by the document, and nobody draws one."""


class Unmoved(Guards):
    """A guard for whom no act of review counts, and that hears of no trip."""

    def status(self, track: str, portfolio: str) -> HaltStatus:
        raise VenueUnavailable("not there")

    def trip(self, track: str, portfolio: str, told: TripIn, id: str) -> None:
        raise VenueUnavailable("not there")

    def review(self, track: str, portfolio: str, said: ReviewIn) -> ReviewOut:
        return ReviewOut(accepted=False, refusal="there is no such halt", state=ACTIVE, epoch=1)


@pytest.fixture(scope="module")
def described(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of an API with a past behind it, which an operator's program asks without a limit."""
    home = tmp_path_factory.mktemp("contract")
    (home / "ballast.db").write_bytes(template.read_bytes())
    engine = connect(sqlite_url(home / "ballast.db"))

    def record(_session: Session, _kind: str, _facts: dict[str, str]) -> None:
        """Accounts are not what is looked at here."""

    app = application(Parts(engine, home, Clock(), record, False, lambda track: ObjectStore(home / track)))
    app.state.buckets = app.state.sign_in_buckets = Buckets(1e9, 10**9, lambda: 0.0)
    app.state.guards = Unmoved(lambda: Server("127.0.0.1:9", "none"))
    with_a_past(engine)
    app.state.access.add_user("olga", Role.OPERATOR, ("main",), PASSWORD, "test")
    _, secret = app.state.access.add_token("olga", "program", Scope.COMMAND, 1, by="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "STREAM_S", 0.0)
        found = schemathesis.openapi.from_asgi("/api/openapi.json", app, config=Config.from_dict(JUDGED))
        found.config.update(headers={"Authorization": f"Bearer {secret}"})
        yield found
    engine.dispose()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_answers_as_its_document_says(described: Any, path: str, method: str) -> None:
    @given(case=described[path][method].as_strategy())
    @settings(
        max_examples=REQUESTS_AN_OPERATION,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def ask(case: schemathesis.Case) -> None:
        assert case.call_and_validate().status_code < 500

    ask()
