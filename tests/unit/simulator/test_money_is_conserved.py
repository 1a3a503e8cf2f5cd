"""Whatever clients do and whatever goes wrong, the books balance: a random session, checked after every
step.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import Rule
from simulator.tape import SECOND_NS
from tests.venue import FIRST, START_NS, books_of, call, order, venue
from trading.backtest.matching import Bar

BARS = st.builds(
    lambda traded, opening, close, up, down, volume: Bar(
        traded, opening, max(opening, close) + up, min(opening, close) - down, close, volume
    ),
    st.sampled_from([1, 1, 1, 0]),
    st.integers(70_000, 90_000),
    st.integers(70_000, 90_000),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
    st.sampled_from([1_000_000, 100_000_000, 10_000_000_000]),
)
PRICES = st.integers(65_000, 95_000).map(lambda ticks: f"{ticks / 10:.1f}")
VOLUMES = st.sampled_from(["0.0001", "0.5", "1.99999999", "3", "11"])
PLACED = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["buy", "sell"]),
        "ordertype": st.sampled_from(["limit", "market", "stop-loss"]),
        "price": PRICES,
        "volume": VOLUMES,
        "timeinforce": st.sampled_from(["GTC", "GTC", "IOC", "FOK"]),
        "close": st.one_of(st.none(), PRICES),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), PLACED),
        st.tuples(st.just("advance"), st.integers(1, 5_000)),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("amend"), st.tuples(st.integers(0, 5), VOLUMES, PRICES)),
        st.tuples(st.just("race"), st.integers(0, 5)),
        st.tuples(st.just("share"), st.integers(1, 1_000_000)),
    ),
    max_size=25,
)


def do(of: Any, step: tuple[str, Any]) -> None:
    """One step of a session; refusals are part of life."""
    kind, given = step
    live = [each.txid for each in of.exchange.open_orders()]
    if kind == "place":
        close = {"close[ordertype]": "stop-loss", "close[price]": given["close"]} if given["close"] else {}
        price = None if given["ordertype"] == "market" else given["price"]
        call(
            of,
            "AddOrder",
            **order(**{k: v for k, v in given.items() if k != "close"} | {"price": price} | close),
        )
    elif kind == "advance":
        of.exchange.advance(of.exchange.now_ns + given * SECOND_NS)
    elif kind == "share":
        of.faults.add(Rule("partial", endpoint="AddOrder", count=1, args={"share_ppm": given}))
    elif kind == "race" and live:
        of.faults.add(Rule("race", endpoint="CancelOrder", count=1))
        call(of, "CancelOrder", txid=live[given % len(live)])
    elif kind == "cancel" and live:
        call(of, "CancelOrder", txid=live[given % len(live)])
    elif kind == "amend" and live:
        call(of, "AmendOrder", txid=live[given[0] % len(live)], order_qty=given[1], limit_price=given[2])


@given(st.lists(BARS, min_size=5, max_size=5), STEPS)
def test_the_ledger_folds_to_the_balances_and_none_is_negative(
    bars: list[Bar], steps: list[tuple[str, Any]]
) -> None:
    of = venue(*bars)
    exchange = of.exchange
    for step in steps:
        do(of, step)
        assert books_of(of) == exchange.ledger.balances
        assert all(units >= 0 for units in exchange.ledger.balances.values())
        assert all(exchange.available(asset) >= 0 for asset in exchange.ledger.balances)
    bought = sum(t.lots if t.order.buys else -t.lots for t in exchange.trades)
    paid = sum((t.value if t.order.buys else -t.value) + t.fee for t in exchange.trades)
    assert exchange.ledger.balances["BTC"] == 200_000_000 + bought
    assert exchange.ledger.balances["USD"] == 100_000 * 10**8 - paid
    for each in exchange.orders.values():
        assert each.filled == sum(t.lots for t in exchange.trades if t.order is each) <= each.lots
        assert each.status != "closed" or each.filled == each.lots


@given(st.lists(BARS, min_size=5, max_size=5), STEPS)
def test_fills_lie_inside_the_bar_less_slippage_and_inside_its_volume(
    bars: list[Bar], steps: list[tuple[str, Any]]
) -> None:
    of = venue(*bars)
    for step in steps:
        if step[0] != "race":
            do(of, step)
    used: dict[int, int] = {}
    for trade in of.exchange.trades:
        row = trade.time_ns // (3_600 * SECOND_NS) - FIRST - 1
        bar = bars[row]
        assert bar.traded
        used[row] = used.get(row, 0) + trade.lots
        reach = bar.high if trade.order.buys else bar.low
        if trade.maker:
            assert bar.low <= trade.ticks <= bar.high
        elif trade.order.buys:
            assert bar.low <= trade.ticks <= reach * 1.02
        else:
            assert reach * 0.9 <= trade.ticks <= bar.high
        if trade.order.kind == "limit":
            worse = trade.ticks > trade.order.price if trade.order.buys else trade.ticks < trade.order.price
            assert not worse or trade.order.amended
    assert all(lots <= bars[row].volume // 10 for row, lots in used.items())
    assert of.exchange.now_ns >= START_NS
