"""Whatever bytes come back: a call ends in its type or in an error of ours, a write never in a false no."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.kraken.auth import Credentials
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.faults import TABLE, Fate
from adapters.kraken.limits import PRO
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.requests import AddOrder, OrderRef
from trading.errors import DataError, OutcomeUnknown, VenueError, VenueRefused, VenueUnavailable

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TXID = "OU22CG-KLAF2-FWUDD7"
ORDER = AddOrder(
    pair="XXBTZUSD",
    side="buy",
    kind="limit",
    volume=Decimal(1),
    price=Decimal(1),
    cl_ord_id=UUID(int=1),
    deadline=NOW + timedelta(seconds=10),
)


class PatientClock:
    """Time passes by sleeping only; the date stays."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic_s(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds + 1e-6


READS: list[Callable[[PublicApi, PrivateApi], Any]] = [
    lambda public, _: public.time(),
    lambda public, _: public.system_status(),
    lambda public, _: public.assets(),
    lambda public, _: public.asset_pairs(),
    lambda public, _: public.tickers(),
    lambda public, _: public.candles("X"),
    lambda public, _: public.book("X"),
    lambda public, _: public.trades("X", 0),
    lambda public, _: public.spreads("X"),
    lambda _, private: private.balances(),
    lambda _, private: private.trade_balance(),
    lambda _, private: private.open_positions(),
    lambda _, private: private.open_orders(),
    lambda _, private: private.closed_orders(NOW),
    lambda _, private: private.query_orders([TXID]),
    lambda _, private: private.trades_history(NOW),
    lambda _, private: private.query_trades([TXID]),
    lambda _, private: private.ledgers(NOW),
    lambda _, private: private.trade_volume(["X"]),
    lambda _, private: private.key_info(),
]
WRITES: list[Callable[[PrivateApi], Any]] = [
    lambda private: private.add_order(ORDER),
    lambda private: private.cancel_order(OrderRef(pair="X", txid=TXID)),
    lambda private: private.cancel_all(),
    lambda private: private.cancel_all_orders_after(0),
]

leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.decimals().map(str)
)
names = st.sampled_from(["error", "result", "last", "open", "txid", "count", "a", "b", "asks"]) | st.text(
    max_size=4
)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)
errors = st.lists(st.sampled_from([row.text for row in TABLE]) | st.text(max_size=12), max_size=2)
bodies = (
    st.binary(max_size=60)
    | documents.map(lambda content: json.dumps(content).encode())
    | st.tuples(errors, documents).map(
        lambda both: json.dumps({"error": both[0], "result": both[1]}).encode()
    )
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def reply(request: httpx.Request, status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(body))


def answered(home: Path, status: int, body: bytes, call: Callable[[PublicApi, PrivateApi], Any]) -> Any:
    """What a call makes of one answer."""
    transport = httpx.MockTransport(partial(reply, status=status, body=body))
    clock, credentials = PatientClock(), Credentials("k", "c2VjcmV0")
    with (
        public_api(home, clock, seed=1, transport=transport) as public,
        private_api(home, credentials, clock, seed=1, tier=PRO, transport=transport) as private,
    ):
        return call(public, private)


many = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(st.sampled_from(READS), st.sampled_from([200, 200, 200, 502]), bodies)
def test_a_read_ends_in_its_type_or_in_an_error_of_ours(
    home: Path, call: Callable[[PublicApi, PrivateApi], Any], status: int, body: bytes
) -> None:
    try:
        found = answered(home, status, body, call)
    except (DataError, VenueRefused, VenueUnavailable) as error:
        assert str(error)
    else:
        assert found is not None
        assert json.loads(body)["error"] == [] or all(e.startswith("W") for e in json.loads(body)["error"])


@many
@given(st.sampled_from(WRITES), st.sampled_from([200, 200, 200, 504]), bodies)
def test_a_write_is_called_off_only_by_a_listed_refusal(
    home: Path, call: Callable[[PrivateApi], Any], status: int, body: bytes
) -> None:
    try:
        answered(home, status, body, lambda _, private: call(private))
    except OutcomeUnknown:
        return
    except VenueError as error:
        said = [text for text in json.loads(body)["error"] if not text.startswith("W")]
        definite = tuple(row.text for row in TABLE if row.fate is not Fate.UNKNOWN)
        assert said, error
        assert all(text.replace(" :", ":").strip().startswith(definite) for text in said)
