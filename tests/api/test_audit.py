"""The audit trail is proved as far as it goes, and what concerns the house is told apart."""

import pytest
from sqlalchemy import text

from adapters.audit import Audit, Kind
from adapters.audit.checkpoints import attest
from adapters.audit.keys import make
from adapters.storage.engine import unit_of_work
from api.access.roles import Role
from api.reads import chain
from api.routes.governance import entries
from tests.audited import unguarded
from tests.history import BEGAN, with_a_past
from tests.installation import World

BASE = "/api/portfolios/main"


@pytest.fixture
def ada(world: World):
    with_a_past(world.engine)
    with unit_of_work(world.engine) as session:
        audit = Audit(session)
        for number in range(10):
            audit.append("replay-a-1", Kind.ACCOUNT, "", b'{"event":"%d"}' % number)
        attest(audit, "replay-a-1", make(world.home / "key", "audit.key"), BEGAN)
        audit.append("replay-a-1", Kind.STRUCTURE, "", b'{"fingerprints":{"schema":"abc"},"version":"1"}')
    world.person("ada", Role.VIEWER)
    return world.signed_in("ada")


def test_the_whole_trail_is_proved_part_by_part(ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "PART", 6)
    first = ada.get(f"{BASE}/audit/verification").json()
    assert (first["proved"], first["fault"]) == (6, "")
    for _ in range(3):
        told = ada.get(f"{BASE}/audit/verification").json()
    assert told["proved"] == told["entries"] == ada.get(f"{BASE}/audit/head").json()["entries"]
    assert (told["attested"], told["signed"]) == (told["entries"] - 2, True)


def test_a_changed_entry_is_named_and_stays_named(world: World, ada) -> None:
    with unguarded(world.engine) as connection:
        connection.execute(text("UPDATE audit_entries SET body = X'7B7D' WHERE seq = 5"))
        connection.commit()
    told = ada.get(f"{BASE}/audit/verification").json()
    assert (told["proved"], told["fault"]) == (4, "entry 5 was changed, or does not follow from 4")
    assert ada.get(f"{BASE}/audit/verification").json()["fault"] == told["fault"]


def test_what_concerns_the_house_is_told_by_itself(ada) -> None:
    (told,) = ada.get(f"{BASE}/governance").json()
    assert (told["kind"], told["facts"]["fingerprints"]) == ("structure", {"schema": "abc"})


def test_the_log_of_governance_is_read_as_it_is_written(ada) -> None:
    found = entries("# Log\n\n## 2026-01-01\nFirst\nthing.\n\n- a\n- b\n\n## 2026-01-02\nSecond.\n")
    assert [(one.date, one.why, one.changes) for one in found] == [
        ("2026-01-02", "Second.", []),
        ("2026-01-01", "First thing.", ["a", "b"]),
    ]
    assert len(ada.get("/api/governance").json()) > 3
