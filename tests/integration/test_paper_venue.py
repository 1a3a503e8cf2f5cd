"""An account on paper over the real market: here the simulator's, asked without a key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import public_api
from adapters.paper.account import PaperAccount
from adapters.paper.venue import PaperRules, PaperVenue
from config import trading
from tests.running import PAIR, Simulator, simulator
from trading.errors import UsageError, VenueRefused
from trading.execution.protocol import Instruction, Kind, Move, Status

CASH = 100_000 * 100_000_000
LOTS = 1_000_000
MINUTE_S = 60
FILE = "paper.jsonl"


@dataclass
class Desk:
    venue: PaperVenue
    clock: Simulator
    home: Path

    def send(self, kind: Kind, lots: int, price: int = 0, **more: Any) -> str:
        told = Instruction(uuid4(), PAIR, kind, lots, price)._replace(**more)
        return self.venue.submit(told, self.venue.now() + timedelta(seconds=30))


@contextmanager
def opened(clock: Simulator, home: Path) -> Iterator[Desk]:
    config = trading.load()
    with public_api(home, clock, 1, clock.address) as public:
        account = PaperAccount(home / FILE)
        catalogue = Catalogue(public.asset_pairs())
        venue = PaperVenue(public, catalogue, clock, account, PaperRules(config.execution, config.fees))
        venue.open_with("USD", CASH)
        try:
            yield Desk(venue, clock, home)
        finally:
            account.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("market"), "--days", "10") as started:
        yield started


@pytest.fixture
def desk(running: Simulator, tmp_path: Path) -> Iterator[Desk]:
    running.next_hour()
    running.sleep(5 * MINUTE_S)
    with opened(running, tmp_path) as made:
        yield made


def test_a_market_order_walks_the_book_and_brings_its_stop_along(desk: Desk) -> None:
    _, ask = desk.venue.touch(PAIR)
    venue_id = desk.send(Kind.MARKET, LOTS, stop=ask // 2)
    report = desk.venue.report(venue_id)
    assert report is not None
    assert (report.status, report.filled) == (Status.FILLED, LOTS)
    assert report.trades[0].ticks == ask
    assert not report.trades[0].maker
    (stop,) = desk.venue.open_orders()
    assert (stop.kind, stop.parent, stop.lots, stop.price) == (Kind.STOP, venue_id, -LOTS, ask // 2)
    held = desk.venue.balances()
    spent = sum(trade.value + trade.fee for trade in report.trades)
    assert held["USD"].total == CASH - spent
    assert (held["BTC"].total, held["BTC"].available) == (LOTS, 0)


def test_the_ledger_adds_up_to_the_balances(desk: Desk) -> None:
    desk.send(Kind.MARKET, LOTS)
    desk.send(Kind.MARKET, -LOTS // 2)
    sums: dict[str, int] = {}
    for row in desk.venue.movements(desk.venue.now() - timedelta(days=1)):
        sums[row.asset] = sums.get(row.asset, 0) + row.amount
    assert sums == {asset: held.total for asset, held in desk.venue.balances().items()}


def test_a_resting_limit_fills_as_maker_when_the_market_trades_through_it(desk: Desk) -> None:
    bid, _ = desk.venue.touch(PAIR)
    price = bid - bid // 5_000
    venue_id = desk.send(Kind.LIMIT, LOTS, price)
    for _ in range(24):
        desk.clock.sleep(60 * MINUTE_S)
        report = desk.venue.report(venue_id)
        assert report is not None
        if report.filled:
            break
    assert report is not None
    assert {(trade.ticks, trade.maker) for trade in report.trades} == {(price, True)}
    low = min(float(row[0]) for row in desk.clock.public("Trades", pair="XBTUSD", since="0"))
    assert low < price * 0.1, "no print went through the limit"


def test_a_stop_fills_at_a_print_below_it_while_nobody_looks(desk: Desk) -> None:
    bid, _ = desk.venue.touch(PAIR)
    desk.send(Kind.MARKET, LOTS)
    trigger = bid - bid // 2_000
    venue_id = desk.send(Kind.STOP, -LOTS, trigger)
    desk.clock.sleep(24 * 60 * MINUTE_S)
    report = desk.venue.report(venue_id)
    assert report is not None
    assert report.status is Status.FILLED
    assert report.trades[0].ticks <= trigger
    assert report.trades[0].at < desk.venue.now() - timedelta(minutes=5)


def test_an_order_ends_when_it_expires_and_not_later(desk: Desk) -> None:
    bid, _ = desk.venue.touch(PAIR)
    expires = desk.venue.now() + timedelta(minutes=10)
    venue_id = desk.send(Kind.LIMIT, LOTS, bid // 2, expires=expires)
    desk.clock.sleep(11 * MINUTE_S)
    report = desk.venue.report(venue_id)
    assert report is not None
    assert (report.status, report.filled) == (Status.EXPIRED, 0)


def test_what_the_account_cannot_pay_is_refused(desk: Desk) -> None:
    _, ask = desk.venue.touch(PAIR)
    with pytest.raises(VenueRefused, match="available"):
        desk.send(Kind.LIMIT, 10_000 * 100_000_000, ask // 2)
    with pytest.raises(VenueRefused, match="available"):
        desk.send(Kind.MARKET, -LOTS)


def test_a_late_order_is_refused(desk: Desk) -> None:
    late = desk.venue.now() - timedelta(seconds=1)
    with pytest.raises(VenueRefused, match="deadline"):
        desk.venue.submit(Instruction(uuid4(), PAIR, Kind.MARKET, LOTS, 0), late)


def test_a_restart_goes_on_with_the_same_account_even_after_a_torn_line(
    running: Simulator, tmp_path: Path
) -> None:
    with opened(running, tmp_path) as desk:
        desk.send(Kind.MARKET, LOTS, stop=1_000)
        before, orders = desk.venue.balances(), desk.venue.open_orders()
        with pytest.raises(UsageError, match="another process"):
            PaperAccount(tmp_path / FILE)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'[{"what":"moved","as')
    with opened(running, tmp_path) as desk:
        assert desk.venue.balances() == before
        assert desk.venue.open_orders() == orders
        assert [row.what for row in desk.venue.movements(desk.venue.now() - timedelta(days=9))] == [
            Move.DEPOSIT,
            Move.TRADE,
            Move.TRADE,
        ]
