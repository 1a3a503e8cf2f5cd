"""A coin that fell silent is bought out at the venue as in the backtest: same hour, price, fee and kind."""

import pytest

from config import trading
from config.instruments import grid_for
from simulator.assembly import open_venue
from simulator.auth import Keys
from simulator.tape import HOUR_NS, Tape
from simulator.truth import Truth
from simulator.venue import Venue
from tests.venue import FIRST, KEY, QUIET, SECRET, ask, call, order, reading
from trading.backtest.matching import Bar, Session, play
from trading.codes import FILL_DELIST
from trading.execution.fills import Fill, FillLog, Holding
from trading.instruments import UNITS
from trading.portfolio import Market, PortfolioState, Reading, Terms, View
from trading.records import blank, packed
from trading.risk.approve import ApprovedOrder

CONFIG = trading.load()
DELIST_H = CONFIG.execution.delist_h
LOTS = 3_000_000
SILENT = Bar(0, 0, 0, 0, 0, 0)


def silent_for(hours: int) -> Venue:
    """A venue at an asof at which BTC/USD has not traded for `hours`, while ETH/USD has."""
    rows: list[tuple[Bar, Reading]] = [(QUIET, reading()) for _ in range(4)]
    gone = reading()
    gone.traded = 0
    rows += [(SILENT, gone)] * (hours + 2)
    gone_dark = reading(0)
    gone_dark.traded = 0
    rows[10:] = [(SILENT, gone_dark)] * len(rows[10:])
    instruments = tuple(grid_for(name) for name in ("BTC/USD", "ETH/USD"))
    both = [(bar, seen, QUIET, reading()) for bar, seen in rows]
    tape = Tape(
        instruments,
        FIRST,
        packed(Reading, [seen for _, a, _, b in both for seen in (a, b)]).reshape(len(rows), 2),
        packed(Bar, [bar for a, _, b, _ in both for bar in (a, b)]).reshape(len(rows), 2),
    )
    start = (FIRST + 3 + hours) * HOUR_NS
    deposits = {"USD": UNITS, "BTC": LOTS}
    return open_venue(tape, CONFIG, start, deposits, Keys(KEY, SECRET), Truth())


def backtest(of: Venue) -> Fill:
    """What the backtest does with an exit decided at the same asof."""
    exchange = of.exchange
    a, hour = 0, exchange.now_ns // HOUR_NS
    state = PortfolioState.opening(0, 1)
    state.positions[0].silent, state.positions[0].mark = DELIST_H, QUIET.close
    log = FillLog(blank(Fill, 1), [0])
    market = blank(Market, 1)[0]
    play(
        Session(
            View(market, [exchange.tape.reading(hour, a)]),
            [exchange.tape.bar(hour + 1, a)],
            [ApprovedOrder(-LOTS, 0, 0, 0, 0)],
            state,
            [0],
            [Holding(LOTS, 0, 0)],
            CONFIG,
            [Terms.of(exchange.tape.instruments[a])],
            log,
        )
    )
    return log.rows[0]


SALE = order(type="sell", ordertype="market", price=None, volume="0.03")


def test_holders_are_bought_out_as_in_the_backtest() -> None:
    of = silent_for(DELIST_H)
    assert ask(of, "AssetPairs", pair="XBTUSD")["result"]["XXBTZUSD"]["status"] == "reduce_only"
    assert call(of, "AddOrder", **SALE)["error"] == []
    (trade,) = of.exchange.trades
    fill = backtest(of)
    assert fill.kind == FILL_DELIST
    assert (trade.kind, trade.lots, trade.ticks) == (fill.kind, -fill.lots, fill.ticks)
    assert (trade.value, trade.fee, trade.maker) == (fill.value, fill.fee, False)


def test_nobody_is_bought_out_an_hour_early() -> None:
    of = silent_for(DELIST_H - 1)
    assert ask(of, "AssetPairs", pair="XBTUSD")["result"]["XXBTZUSD"]["status"] == "cancel_only"
    assert call(of, "AddOrder", **SALE)["error"] == ["EService:Market in cancel_only mode"]
    of.exchange.advance(of.exchange.now_ns + HOUR_NS)
    assert call(of, "AddOrder", **SALE)["error"] == []
    assert len(of.exchange.trades) == 1


def test_a_coin_that_fell_silent_keeps_its_candles_and_trades() -> None:
    of = silent_for(DELIST_H - 1)
    assert ask(of, "Depth", pair="XBTUSD")["error"] == ["EQuery:Unknown asset pair"]
    *candles, _ = ask(of, "OHLC", pair="XBTUSD", interval=60)["result"]["XXBTZUSD"]
    volumes = [float(candle[6]) for candle in candles]
    assert len(volumes) > DELIST_H and all(volumes[: 1 - DELIST_H]) and not any(volumes[1 - DELIST_H :])
    assert ask(of, "Trades", pair="XBTUSD", since=0)["result"]["XXBTZUSD"]


@pytest.mark.parametrize("changes", [{"ordertype": "limit", "price": "6000.0"}, {"type": "buy"}])
def test_only_a_market_sell_is_bought_out(changes: dict[str, str]) -> None:
    of = silent_for(DELIST_H)
    call(of, "AddOrder", **(SALE | changes))
    assert of.exchange.trades == []
