"""How a bar fills orders: every event, in its order, at its price."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.trading import load
from tests.core import PRICE, Desk, bar, desk, reading
from trading.backtest.matching import Bar
from trading.codes import (
    FILL_DELIST,
    FILL_EXIT,
    FILL_FALLBACK,
    FILL_MAKER,
    FILL_STOP,
    FILL_STOP_GAP,
    FILL_TAKER,
)
from trading.execution.fills import Fill

LIMIT, STOP = 9_995, 9_195


def entry(lots: int = 1_000, stop: int = STOP, **settings: object) -> Desk:
    one = desk(reading(), **settings)
    one.order(0, lots, LIMIT, stop)
    return one


def holding(lots: int = 1_000, stop: int = 9_200) -> Desk:
    one = desk()
    one.hold(0, lots, stop=stop)
    return one


def told(fills: list[Fill]) -> list[tuple[int, int, int]]:
    """Kind, lots and price of each fill."""
    return [(fill.kind, fill.lots, fill.ticks) for fill in fills]


@pytest.mark.parametrize("opened", [LIMIT, LIMIT - 100])
def test_an_open_at_or_below_the_limit_fills_there_as_taker(opened: int):
    assert told(entry().play(bar(opened, 10_100, 9_800, 10_100))) == [(FILL_TAKER, 1_000, opened)]


def test_a_trade_through_by_a_tick_fills_at_the_limit_as_maker():
    assert told(entry().play(bar(10_000, 10_200, LIMIT - 1, 10_200))) == [(FILL_MAKER, 1_000, LIMIT)]


def test_a_touch_of_the_limit_fills_nothing():
    assert entry().play(bar(10_000, 10_200, LIMIT, 10_200)) == []


def test_maker_and_taker_pay_their_own_fee():
    kraken = load("kraken-2026-07")
    maker = entry(config=kraken).play(bar(10_000, 10_200, 9_900, 10_200))[0]
    assert (maker.value, maker.fee) == (9_995_000, 39_980)
    taker = entry(config=kraken).play(bar(9_900, 10_200, 9_900, 10_200))[0]
    assert (taker.value, taker.fee) == (9_900_000, 79_200)


def test_a_fill_brings_its_stop_along_for_all_that_is_held():
    one = entry()
    one.play(bar(10_000, 10_200, 9_900, 10_200))
    assert (one.holdings[0].lots, one.holdings[0].stop, one.holdings[0].stop_lots) == (1_000, STOP, 1_000)
    more = desk()
    more.hold(0, 500, stop=9_000)
    more.order(0, 1_000, LIMIT, STOP)
    more.play(bar(10_000, 10_200, 9_900, 10_200))
    assert (more.holdings[0].stop, more.holdings[0].stop_lots) == (STOP, 1_500)


def test_a_purchase_without_a_stop_leaves_the_resting_one():
    one = holding()
    one.order(0, 500, LIMIT, 0)
    one.play(bar(10_000, 10_200, 9_900, 10_200))
    assert (one.holdings[0].lots, one.holdings[0].stop, one.holdings[0].stop_lots) == (1_500, 9_200, 1_000)


def test_a_stop_inside_the_bar_fills_at_the_stop_less_slippage_and_never_at_the_low():
    assert told(holding().play(bar(10_000, 10_000, 5_000, 9_500))) == [(FILL_STOP, -1_000, 9_200 - 5)]


def test_a_low_on_the_stop_fills_it_and_a_tick_above_does_not():
    assert len(holding().play(bar(10_000, 10_000, 9_200, 9_500))) == 1
    assert holding().play(bar(10_000, 10_000, 9_201, 9_500)) == []


@pytest.mark.parametrize("opened", [9_200, 8_000])
def test_an_open_at_or_below_the_stop_gaps_through_at_the_open(opened: int):
    fills = holding().play(bar(opened, 10_000, 5_000, 9_500))
    assert told(fills) == [(FILL_STOP_GAP, -1_000, opened - -(-opened * 500 // 1_000_000))]


def test_the_entry_filled_first_when_the_low_reaches_its_stop():
    one = entry()
    fills = one.play(bar(10_000, 10_000, STOP, 9_500))
    assert told(fills) == [(FILL_MAKER, 1_000, LIMIT), (FILL_STOP, -1_000, STOP - 5)]
    assert (one.holdings[0].lots, one.holdings[0].stop, one.holdings[0].stop_lots) == (0, 0, 0)


def test_an_entry_that_opens_below_its_stop_is_bought_and_stopped_at_the_open():
    fills = entry().play(bar(9_000, 9_100, 8_000, 9_100))
    assert told(fills) == [(FILL_TAKER, 1_000, 9_000), (FILL_STOP, -1_000, 9_000 - 5)]


def test_the_remainder_goes_to_market_at_the_close_when_the_ask_is_near():
    ask = 10_020 + 2 + 1
    fills = entry().play(bar(10_010, 10_030, LIMIT, 10_020))
    assert told(fills) == [(FILL_FALLBACK, 1_000, ask + 6)]
    assert fills[0].slippage == (ask + 6 - 10_020) * 1_000
    assert fills[0].fee == (ask + 6) * 1_000 * 4_000 // 1_000_000


def test_the_fallback_ends_at_half_a_percent_above_the_limit():
    assert told(entry().play(bar(10_010, 10_100, LIMIT, 10_035))) == [(FILL_FALLBACK, 1_000, 10_044)]
    assert entry().play(bar(10_010, 10_100, LIMIT, 10_036)) == []


def test_an_unknown_spread_costs_a_tick():
    one = entry()
    one.readings[0].spread = float("nan")
    assert told(one.play(bar(10_010, 10_030, LIMIT, 10_020))) == [(FILL_FALLBACK, 1_000, 10_021 + 6)]


def test_a_fallback_carries_a_stop_that_cannot_act_in_its_bar():
    one = entry(stop=9_996)
    assert told(one.play(bar(10_010, 10_030, LIMIT, 10_020))) == [(FILL_FALLBACK, 1_000, 10_029)]
    assert one.holdings[0].stop == 9_996


def test_what_was_stopped_out_is_not_bought_again_at_the_close():
    one = holding(stop=9_010)
    one.order(0, 500, 9_000, 8_000)
    assert told(one.play(bar(9_500, 9_500, 9_000, 9_005))) == [(FILL_STOP, -1_000, 9_005)]
    without = desk()
    without.order(0, 500, 9_000, 8_000)
    assert told(without.play(bar(9_500, 9_500, 9_000, 9_005))) == [(FILL_FALLBACK, 500, 9_013)]


def test_a_stop_of_another_instrument_forbids_no_fallback():
    one = desk(reading(), reading())
    one.hold(0, 1_000, stop=9_200)
    one.order(1, 500, LIMIT, STOP)
    fills = one.play(bar(10_000, 10_000, 9_000, 9_500), bar(10_010, 10_030, LIMIT, 10_020))
    assert [fill.kind for fill in fills] == [FILL_STOP, FILL_FALLBACK]


def test_an_exit_fills_at_the_open_less_slippage_before_its_stop():
    one = holding()
    one.order(0, -1_000)
    assert told(one.play(bar(9_000, 10_000, 5_000, 9_500))) == [(FILL_EXIT, -1_000, 9_000 - 5)]
    assert (one.holdings[0].lots, one.holdings[0].stop) == (0, 0)


def test_after_a_cut_the_stop_rests_for_what_is_left():
    one = holding()
    one.order(0, -400)
    fills = one.play(bar(10_000, 10_000, 9_000, 9_500))
    assert told(fills) == [(FILL_EXIT, -400, 9_995), (FILL_STOP, -600, 9_195)]


def test_a_resting_stop_never_sells_coins_that_are_not_ours():
    one = holding()
    one.holdings[0].lots += 371
    one.order(0, -1_000)
    assert told(one.play(bar(10_000, 10_000, 9_000, 9_500))) == [(FILL_EXIT, -1_000, 9_995)]
    assert (one.holdings[0].lots, one.holdings[0].stop, one.holdings[0].stop_lots) == (371, 0, 0)


def test_at_most_a_tenth_of_the_volume_is_ours():
    one = entry()
    assert told(one.play(bar(10_000, 10_030, 9_900, 10_000, volume=4_009))) == [(FILL_MAKER, 400, LIMIT)]
    assert one.holdings[0].stop_lots == 400


def test_an_exit_without_volume_waits_and_its_stop_still_rests():
    one = holding()
    one.order(0, -1_000)
    assert told(one.play(bar(10_000, 10_000, 9_000, 9_500, volume=6_000))) == [(FILL_EXIT, -600, 9_995)]
    assert (one.holdings[0].lots, one.holdings[0].stop, one.holdings[0].stop_lots) == (400, 9_200, 400)


@pytest.mark.parametrize("opened", [10_000, 9_000])
def test_a_stop_that_sold_a_part_keeps_resting_for_the_rest(opened: int):
    one = holding()
    assert [fill.lots for fill in one.play(bar(opened, 10_000, 8_000, 9_500, volume=6_000))] == [-600]
    assert (one.holdings[0].stop, one.holdings[0].stop_lots) == (9_200, 400)


def test_one_budget_of_volume_serves_all_events_of_the_bar():
    fills = entry(2_000).play(bar(10_000, 10_000, 9_000, 9_500, volume=25_000))
    assert told(fills) == [(FILL_MAKER, 2_000, LIMIT), (FILL_STOP, -500, STOP - 5)]
    short = entry(2_000).play(bar(10_000, 10_030, 9_900, 10_000, volume=15_000))
    assert told(short) == [(FILL_MAKER, 1_500, LIMIT)], "nothing is left for the fallback"


def test_nothing_fills_in_a_bar_without_a_trade():
    outage = Bar(0, 9_000, 9_000, 5_000, 9_000, 10_000_000)
    assert entry().play(outage) == []
    one = holding()
    assert one.play(outage) == []
    one.order(0, -1_000)
    assert one.play(outage) == []


def test_three_silent_days_force_an_exit_out_at_a_discount_without_a_fee():
    one = holding()
    one.order(0, -1_000)
    one.state.positions[0].silent = 72
    fills = one.play(Bar(0, 0, 0, 0, 0, 0))
    assert told(fills) == [(FILL_DELIST, -1_000, PRICE * 8 // 10)]
    assert fills[0].fee == 0
    assert one.holdings[0].stop == 0


def test_nobody_is_forced_out_early_or_without_an_order_or_in_a_bar_that_trades():
    early = holding()
    early.order(0, -1_000)
    early.state.positions[0].silent = 71
    assert early.play(Bar(0, 0, 0, 0, 0, 0)) == []
    unordered = holding()
    unordered.state.positions[0].silent = 100
    assert unordered.play(Bar(0, 0, 0, 0, 0, 0)) == []
    buys = entry()
    buys.state.positions[0].silent = 100
    assert buys.play(Bar(0, 0, 0, 0, 0, 0)) == []
    trading = holding()
    trading.order(0, -1_000)
    trading.state.positions[0].silent = 100
    assert told(trading.play(bar(10_000, 10_000, 9_900, 10_000))) == [(FILL_EXIT, -1_000, 9_995)]


def test_a_sale_takes_a_tick_at_least():
    one = desk(reading(sigma_24=90.0, notional_24h=0))
    one.hold(0, 1_000)
    one.order(0, -1_000)
    assert one.play(bar(1, 1, 1, 1))[0].ticks == 1
    assert one.holdings[0].lots == 0


def test_the_venue_books_move_by_value_and_fee():
    one = entry()
    before = one.purse[0]
    bought = one.play(bar(10_000, 10_200, 9_900, 10_200))[0]
    assert one.purse[0] == before - bought.value - bought.fee
    one.order(0, -1_000)
    sold = one.play(bar(10_000, 10_200, 9_900, 10_200))[0]
    assert one.purse[0] == before - bought.value - bought.fee + sold.value - sold.fee
    assert one.holdings[0].lots == 0


def test_a_buy_notes_its_limit_and_every_fill_its_stop():
    one = entry()
    assert [(f.limit, f.stop) for f in one.play(bar(10_000, 10_000, 9_000, 9_500))] == [
        (LIMIT, STOP),
        (0, STOP),
    ]


PRICES = st.integers(5_000, 15_000)


@given(PRICES, PRICES, PRICES, PRICES, st.integers(0, 200_000), st.booleans())
def test_no_bar_fills_outside_its_rules(a: int, b: int, c: int, d: int, volume: int, buys: bool):
    low, opened, closed, high = min(a, b, c, d), a, b, max(a, b, c, d)
    one = holding(lots=0 if buys else 5_000, stop=9_200)
    if buys:
        one.order(0, 5_000, LIMIT, STOP)
    fills = one.play(bar(opened, high, low, closed, volume=volume))
    assert sum(abs(fill.lots) for fill in fills) <= volume // 10
    for fill in fills:
        if fill.kind in (FILL_STOP, FILL_STOP_GAP):
            reference = min(opened, fill.stop)
            assert low <= reference
            assert fill.ticks == reference - -(-reference * 500 // 1_000_000)
        else:
            assert fill.ticks <= LIMIT * 1_005 // 1_000
