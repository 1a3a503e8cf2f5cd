"""What the venue fills order by order is what the backtest fills bar by bar: every amount, every rounding."""

from hypothesis import assume, given
from hypothesis import strategies as st

from config import trading
from simulator.checks import Desk
from simulator.commands import add_order, cancel_order
from simulator.limits import Limits
from simulator.orders import Trade
from simulator.tape import CLOSE_NS, FIRST_EVENT_NS
from simulator.venue import Venue
from tests.venue import START_NS, order, reading, tape, venue
from trading.backtest.matching import Bar, Session, play, slipped
from trading.codes import FILL_STOP, FILL_STOP_GAP
from trading.execution.fills import Fill, FillLog, Holding
from trading.portfolio import Market, PortfolioState, Terms, View
from trading.records import blank
from trading.risk.approve import ApprovedOrder
from trading.sizing import worst_ask

CONFIG = trading.load()
PURSE = 10**14
MINIMUM = 10_000
"""Lots that the venue takes at these prices: a remainder below is dust, whatever the bar."""


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    """A bar around 8,000 dollars that moves up to a tenth, sometimes silent or thin."""
    opening, close = (draw(st.integers(76_000, 84_000)) for _ in range(2))
    high = max(opening, close) + draw(st.integers(0, 4_000))
    low = min(opening, close) - draw(st.integers(0, 4_000))
    volume = draw(st.sampled_from([50_000_000, 1_000_000_000, 100_000_000_000]))
    return Bar(draw(st.sampled_from([1, 1, 1, 0])), opening, high, low, close, volume)


def backtest(bar: Bar, wanted: ApprovedOrder, holding: Holding) -> tuple[list[Fill], Holding, int]:
    """Fills, holding and purse after the whole bar."""
    instrument = tape().instruments[0]
    log, purse = FillLog(blank(Fill, 8), [0]), [PURSE]
    state = PortfolioState.opening(PURSE, 1)
    play(
        Session(
            View(blank(Market, 1)[0], [reading()]),
            [bar],
            [wanted],
            state,
            purse,
            [holding],
            CONFIG,
            [Terms.of(instrument)],
            log,
        )
    )
    return list(log.rows[: log.used[0]]), holding, purse[0]


def facts(fills: list[Fill]) -> list[tuple[int, ...]]:
    return [(f.kind, abs(f.lots), f.ticks, f.value, f.fee) for f in fills]


def traded(of: Venue) -> list[tuple[int, ...]]:
    trades: list[Trade] = of.exchange.trades
    return [(t.kind, t.lots, t.ticks, t.value, t.fee) for t in trades]


def open_venue(bar: Bar, lots_held: int) -> tuple[Venue, Desk]:
    of = venue(bar)
    exchange = of.exchange
    for asset, units in {"USD": PURSE, "BTC": lots_held}.items():
        exchange.transfer(asset, units - exchange.ledger.balances[asset])
    return of, Desk(exchange, of.data, Limits(None))


def coins(lots: int) -> str:
    return f"{lots / 10**8:.8f}"


def dollars(ticks: int) -> str:
    return f"{ticks / 10:.1f}"


@given(
    bars(),
    st.integers(74_000, 84_000),
    st.integers(1, 6_000),
    st.integers(1_000_000, 400_000_000),
    st.integers(0, 600),
)
def test_an_entry_with_its_stop_and_fallback(
    bar: Bar, limit: int, below: int, lots: int, sent_s: int
) -> None:
    stop = limit - below
    fills, holding, purse = backtest(bar, ApprovedOrder(lots, limit, stop, 0, 0), Holding(0, 0, 0))
    of, desk = open_venue(bar, 0)
    exchange = of.exchange
    exchange.advance(START_NS + sent_s * 1_000_000_000)
    close = {"close[ordertype]": "stop-loss", "close[price]": dollars(stop)}
    sent = add_order(desk, order(volume=coins(lots), price=dollars(limit), **close))
    exchange.advance(START_NS + CLOSE_NS)
    placed = exchange.orders[sent["txid"][0]]
    if placed.live:
        cancel_order(desk, {"txid": placed.txid})
    stopped = any(trade.kind in (FILL_STOP, FILL_STOP_GAP) for trade in exchange.trades)
    if placed.left and not stopped and bar.traded and ask(bar, placed.left, limit):
        assume(placed.left >= MINIMUM)
        add_order(desk, order(ordertype="market", price=None, volume=coins(placed.left), **close))
    assert traded(of) == facts(fills)
    assert exchange.ledger.balances.get("USD") == purse
    assert exchange.ledger.balances.get("BTC", 0) == holding.lots
    assert sum(o.left for o in exchange.open_orders() if o.kind == "stop-loss") == holding.stop_lots


def ask(bar: Bar, lots: int, limit: int) -> bool:
    """The client's own check before it falls back: is the market near enough to the limit?"""
    session = Session(
        View(blank(Market, 1)[0], [reading()]),
        [bar],
        [ApprovedOrder(lots, limit, 0, 0, 0)],
        PortfolioState.opening(PURSE, 1),
        [PURSE],
        [Holding(0, 0, 0)],
        CONFIG,
        [Terms.of(tape().instruments[0])],
        FillLog(blank(Fill, 1), [0]),
    )
    price = int(bar.close * (1.0 + 0.5 * reading().spread)) + 1
    return price + slipped(0, lots, price, session) <= worst_ask(limit, CONFIG.execution)


@given(bars(), st.integers(74_000, 84_000), st.integers(1_000_000, 400_000_000))
def test_a_resting_stop(bar: Bar, stop: int, lots: int) -> None:
    fills, holding, purse = backtest(bar, ApprovedOrder(0, 0, 0, 0, 0), Holding(lots, stop, lots))
    of, desk = open_venue(bar, lots)
    add_order(desk, order(type="sell", ordertype="stop-loss", volume=coins(lots), price=dollars(stop)))
    of.exchange.advance(START_NS + FIRST_EVENT_NS)
    assert traded(of) == facts(fills)
    assert of.exchange.ledger.balances["USD"] == purse
    assert of.exchange.ledger.balances["BTC"] == holding.lots


@given(bars(), st.integers(1_000_000, 400_000_000), st.integers(0, 3_000))
def test_an_exit_at_the_market(bar: Bar, lots: int, sent_s: int) -> None:
    fills, holding, purse = backtest(bar, ApprovedOrder(-lots, 0, 0, 0, 0), Holding(lots, 0, 0))
    of, desk = open_venue(bar, lots)
    of.exchange.advance(START_NS + sent_s * 1_000_000_000)
    add_order(desk, order(type="sell", ordertype="market", volume=coins(lots), price=None))
    assert traded(of) == facts(fills)
    assert of.exchange.ledger.balances["USD"] == purse
    assert of.exchange.ledger.balances["BTC"] == holding.lots
