"""The client against the simulated Kraken in a process of its own, in lockstep with its time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from platformdirs import user_cache_path

from adapters.kraken.auth import Credentials
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.fees import fees_of
from adapters.kraken.limits import STARTER
from adapters.kraken.market_data import MarketData
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.requests import AddOrder, AmendOrder, OrderRef
from adapters.kraken.startup import check_clock, check_key, check_online, check_spot_only
from config.instruments import load
from trading.clock import HOUR_S
from trading.config import Fees
from trading.errors import OutcomeUnknown, UsageError, VenueRefused, VenueUnavailable

CLIENT_DEADLINE_S = 1.0
COMMAND = [sys.executable, "-c", "from cli.main import main; main()", "simulator"]
TERMS = ["--speed", "0", "--instruments", "3", "--days", "10", "--tier", "starter"]


class Venue:
    """The running simulator, and time as it goes there."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.address = str(ready["address"])
        self.credentials = Credentials(ready["key"], ready["secret"])
        self._http = httpx.Client(base_url=self.address, trust_env=False, timeout=60)

    def control(self, command: str, **body: Any) -> Any:
        return self._http.post(f"/control/{command}", json=body).raise_for_status().json()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic_s(), UTC)

    def monotonic_s(self) -> float:
        return float(self.control("clock")["now_s"])

    def sleep(self, seconds: float) -> None:
        self.control("advance", by_s=round(seconds + 0.001, 3))

    def placed(self) -> int:
        """How many orders the venue ever took."""
        return sum(row["event"] == "placed" for row in self.control("truth")["rows"])


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    home = tmp_path_factory.mktemp("venue")
    (home / "cache").mkdir()
    (home / "cache" / "compiled").symlink_to(user_cache_path("ballast-tests", appauthor=False))
    with subprocess.Popen(
        [*COMMAND, "--home", str(home), *TERMS], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Venue(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


class Client(NamedTuple):
    """Both halves of the client and what they are about."""

    public: PublicApi
    private: PrivateApi
    pair: str
    bid: Decimal


def fair(venue: Venue) -> None:
    """No fault, and every pause of the client over."""
    venue.control("clear")
    venue.sleep(31)


@pytest.fixture(autouse=True)
def fair_weather(venue: Venue) -> None:
    """No fault outlives its test."""
    fair(venue)


@pytest.fixture(scope="module")
def client(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    tmp_path = tmp_path_factory.mktemp("client")
    with ExitStack() as stack:
        where: Any = {"base_url": venue.address, "deadline_s": CLIENT_DEADLINE_S, "seed": 1}
        public = stack.enter_context(public_api(tmp_path, venue, **where))
        private = stack.enter_context(private_api(tmp_path, venue.credentials, venue, tier=STARTER, **where))
        (ticker,) = public.tickers("XBTUSD").values()
        yield Client(public, private, "XXBTZUSD", ticker.bid)


def entry(venue: Venue, client: Client, **changes: Any) -> AddOrder:
    """A limit to buy, far below the market."""
    terms: dict[str, Any] = {
        "pair": client.pair,
        "side": "buy",
        "kind": "limit",
        "volume": Decimal("0.01"),
        "price": (client.bid / 2).quantize(Decimal("0.1")),
        "cl_ord_id": uuid4(),
        "deadline": venue.now() + timedelta(seconds=30),
    }
    return AddOrder(**(terms | changes))


def ref(client: Client, id_: UUID) -> OrderRef:
    return OrderRef(pair=client.pair, cl_ord_id=id_)


def test_the_checks_at_start_pass_until_the_key_may_withdraw(venue: Venue, client: Client) -> None:
    check_online(client.public)
    check_clock(client.public, venue.now())
    check_key(client.private)
    check_spot_only(client.private)
    permissions = sorted(client.private.key_info().permissions)
    venue.control("key", permissions=[*permissions, "withdraw-funds"])
    with pytest.raises(UsageError, match="may withdraw-funds"):
        check_key(client.private)
    venue.control("key", permissions=permissions)


def test_the_catalogue_is_the_reviewed_grid_and_fees_come_from_the_account(client: Client) -> None:
    catalogue = Catalogue(client.public.asset_pairs())
    assert len(catalogue.names()) > 20
    assert all(catalogue.instrument(name) == load()[name] for name in catalogue.names())
    assert client.public.assets()["XXBT"].altname == "XBT"
    fees = fees_of(client.private.trade_volume([client.pair]), client.pair, Fees(0, 0))
    assert fees == Fees(4_000, 4_000)


def test_hours_from_candles_are_those_rebuilt_from_trades(venue: Venue, client: Client) -> None:
    catalogue = Catalogue(client.public.asset_pairs())
    data, now = MarketData(client.public, catalogue, venue), int(venue.monotonic_s()) // HOUR_S
    hours = data.recent("BTC/USD", now - 23)
    assert (hours.bars.height, hours.rejected.height, hours.missing) == (24, 0, ())
    rebuilt = data.rebuilt("BTC/USD", now - 23, now).bars.drop("line")
    prices = ["asof", "open", "high", "low", "close"]
    assert rebuilt.select(prices).equals(hours.bars.select(prices))
    assert rebuilt["volume"].to_list() == pytest.approx(hours.bars["volume"].to_list())


def test_the_market_is_read(client: Client) -> None:
    book = client.public.book("XBTUSD", 10)
    assert book.bids[0].price < book.asks[0].price
    assert client.public.spreads("XBTUSD").rows
    with pytest.raises(VenueRefused, match="Unknown asset pair"):
        client.public.candles("NOSUCH")


def test_an_order_rests_is_amended_cancelled_and_remembered(venue: Venue, client: Client) -> None:
    opened, order = venue.now() - timedelta(seconds=60), entry(venue, client)
    (txid,) = client.private.add_order(order).txid
    (found,) = client.private.open_orders(order.cl_ord_id).items()
    assert (found[0], found[1].vol, found[1].descr.pair) == (txid, order.volume, "XBTUSD")
    with pytest.raises(VenueRefused, match="adopt that order"):
        client.private.add_order(order)
    deadline = venue.now() + timedelta(seconds=30)
    amendment = AmendOrder(order=ref(client, order.cl_ord_id), deadline=deadline, volume=Decimal("0.005"))
    assert client.private.amend_order(amendment).amend_id
    assert client.private.query_orders([txid])[txid].vol == Decimal("0.005")
    assert client.private.cancel_order(ref(client, order.cl_ord_id)).count == 1
    assert client.private.open_orders(order.cl_ord_id) == {}
    over = client.private.closed_orders(opened, order.cl_ord_id)[txid]
    assert (over.status, over.is_over, over.vol_exec) == ("canceled", True, 0)
    with pytest.raises(VenueRefused, match="over already"):
        client.private.cancel_order(OrderRef(pair=client.pair, txid=txid))


def test_a_purchase_becomes_fills_money_and_a_stop_of_its_own(venue: Venue, client: Client) -> None:
    started, before = venue.now() - timedelta(seconds=1), client.private.balances()
    stop = (client.bid * Decimal("0.9")).quantize(Decimal("0.1"))
    order = entry(venue, client, kind="market", price=None, stop=stop)
    (txid,) = client.private.add_order(order).txid
    venue.control("advance", bars=1)
    bought = client.private.query_orders([txid])[txid]
    assert (bought.status, bought.vol_exec) == ("closed", order.volume)
    fills = client.private.query_trades(bought.trades)
    assert sum(fill.vol for fill in fills.values()) == order.volume
    assert set(fills) <= set(client.private.trades_history(started).trades)
    ledger = client.private.ledgers(started).ledger.values()
    spent = sum(line.amount - line.fee for line in ledger if line.asset == "ZUSD" and line.refid in fills)
    after = client.private.balances()
    assert after["ZUSD"].balance - before["ZUSD"].balance == spent
    assert after["XXBT"].balance == order.volume
    (protective,) = (o for o in client.private.open_orders().values() if o.refid == txid)
    assert (protective.descr.kind, protective.descr.side, protective.vol) == (
        "stop-loss",
        "sell",
        order.volume,
    )
    assert after["XXBT"].available == 0
    assert client.private.cancel_all().count == 1
    assert client.private.cancel_all_orders_after(0).trigger == "0"


WIRE = [
    ("close", {}),
    ("silence", {}),
    ("reset", {}),
    ("drip", {}),
    ("slow", {"for_s": 3}),
    *(("http", {"status": status}) for status in (403, 502, 504, 520, 521)),
    *(("garbled", {"how": how}) for how in ("html", "empty", "truncated", "gzip", "doubled")),
    *(
        ("error", {"messages": [text]})
        for text in ("EService:Busy", "EGeneral:Internal error:3", "EBrand:New")
    ),
    ("error", {"messages": ["EOrder:Insufficient funds", "EService:Unavailable"]}),
    ("null", {}),
]


@pytest.mark.parametrize("effect", ["none", "applied"])
@pytest.mark.parametrize(("kind", "args"), WIRE)
def test_what_may_have_happened_is_called_unknown_and_sent_once(
    venue: Venue, client: Client, kind: str, args: dict[str, Any], effect: str
) -> None:
    placed, order = venue.placed(), entry(venue, client)
    venue.control("fault", kind=kind, endpoint="AddOrder", count=1, effect=effect, args=args)
    with pytest.raises(OutcomeUnknown):
        client.private.add_order(order)
    fair(venue)
    happened = effect == "applied" or kind == "null"
    assert venue.placed() - placed == happened
    assert len(client.private.open_orders(order.cl_ord_id)) == happened
    if happened:
        client.private.cancel_order(ref(client, order.cl_ord_id))


@pytest.mark.parametrize(("kind", "args"), WIRE)
def test_a_read_is_asked_again_and_answers(
    venue: Venue, client: Client, kind: str, args: dict[str, Any]
) -> None:
    venue.control("fault", kind=kind, endpoint="BalanceEx,Time", count=1, args=args)
    if args.get("status") == 403:
        with pytest.raises(VenueUnavailable, match="too many calls"):
            client.private.balances()
        return
    assert client.private.balances()["ZUSD"].balance > 0
    venue.control("fault", kind=kind, endpoint="Time", count=1, args=args)
    assert client.public.time().unixtime > 0


def test_refusals_are_told_at_once(venue: Venue, client: Client) -> None:
    dear = entry(venue, client, volume=Decimal("10000"))
    with pytest.raises(VenueRefused, match="Insufficient funds"):
        client.private.add_order(dear)
    with pytest.raises(VenueRefused, match="Order minimum not met"):
        client.private.add_order(entry(venue, client, volume=Decimal("0.00001")))


def test_the_venues_counters_are_never_passed(venue: Venue, client: Client) -> None:
    seen = len(venue.control("truth")["rows"])
    for _ in range(40):
        client.private.balances()
    order = entry(venue, client)
    for _ in range(9):
        order = replace(order, cl_ord_id=uuid4(), deadline=venue.now() + timedelta(seconds=50))
        client.private.add_order(order)
        client.private.cancel_order(ref(client, order.cl_ord_id))
    said = json.dumps(venue.control("truth")["rows"][seen:])
    assert "Rate limit" not in said
