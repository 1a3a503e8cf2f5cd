"""Fills become money, lots, cost and memory."""

from hypothesis import given
from hypothesis import strategies as st

from tests.core import EQUITY, HOUR, PRICE, Desk, bar, desk
from trading.codes import FILL_EXIT, FILL_STOP, FILL_STOP_GAP, FILL_TAKER
from trading.execution.fills import Fill
from trading.ledger.settlement import book_sell


def filled(one: Desk, kind: int, lots: int, ticks: int) -> Fill:
    """Append a fill as the venue would and settle it."""
    fill = one.log.rows[one.log.used[0]]
    fill.instrument, fill.kind, fill.lots, fill.ticks = 0, kind, lots, ticks
    fill.value, fill.fee = abs(lots) * ticks, abs(lots) * ticks // 250
    one.log.used[0] += 1
    one.settle(one.log.used[0] - 1)
    return fill


def test_a_first_purchase_opens_the_position_with_the_prices_of_its_order():
    one = desk()
    one.order(0, 1_000, 9_995, 9_195)
    one.orders[0].take, one.orders[0].trail = 11_395, 799
    position = one.state.positions[0]
    position.reversal, position.extended = 2, 1
    filled(one, FILL_TAKER, 600, 9_990)
    assert (position.lots, position.since, position.entry, position.peak) == (600, HOUR, 9_995, 9_995)
    assert (position.stop, position.take, position.trail) == (9_195, 11_395, 799)
    assert (position.reversal, position.extended) == (0, 0)
    assert position.cost == 600 * 9_990 + 600 * 9_990 // 250
    assert one.state.account.cash == EQUITY - position.cost


def test_a_later_purchase_keeps_entry_and_prices_and_adds_its_cost():
    one = desk()
    position = one.hold(0, 1_000, stop=9_000)
    one.order(0, 500, 9_995, 0)
    filled(one, FILL_TAKER, 500, 9_990)
    assert (position.lots, position.entry, position.stop, position.since) == (1_500, PRICE, 9_000, HOUR - 48)
    assert position.cost == 1_000 * PRICE + 500 * 9_990 + 500 * 9_990 // 250


def test_a_sale_earns_what_it_brought_less_the_average_cost():
    one = desk()
    position = one.hold(0, 1_000)
    cash = one.state.account.cash
    fill = filled(one, FILL_EXIT, -400, 11_000)
    received = 400 * 11_000 - 400 * 11_000 // 250
    assert fill.pnl == received - 400 * PRICE
    assert (position.lots, position.cost) == (600, 600 * PRICE)
    assert one.state.account.cash == cash + received
    assert position.cooldown == 0


def test_the_last_sale_leaves_no_cost_and_no_memory():
    one = desk()
    position = one.hold(0, 1_000, stop=9_000, take=11_000, trail=800, reversal=2, extended=1)
    filled(one, FILL_EXIT, -1_000, 11_000)
    assert (position.lots, position.dust, position.cost) == (0, 0, 0)
    memory = (position.since, position.entry, position.stop, position.take, position.trail, position.peak)
    assert memory == (0,) * 6
    assert (position.reversal, position.extended) == (0, 0)
    assert one.holdings[0].stop == 0


def test_a_stop_out_cools_down_for_a_day_from_the_hour_it_fell_in():
    for kind in (FILL_STOP, FILL_STOP_GAP):
        one = desk()
        position = one.hold(0, 1_000)
        filled(one, kind, -1_000, 9_000)
        assert position.cooldown == HOUR + 1 + 24


def test_a_rest_below_the_smallest_quantity_is_dust_and_no_position():
    one = desk()
    position = one.hold(0, 1_000, stop=9_000)
    filled(one, FILL_EXIT, -991, 11_000)
    assert (position.lots, position.dust, position.stop, position.cost) == (0, 9, 0, 9 * PRICE)
    one.hold(0, 1_000, stop=9_000)
    one.state.positions[0].dust = 0
    filled(one, FILL_EXIT, -990, 11_000)
    assert (position.lots, position.dust) == (10, 0)


def test_a_purchase_too_small_to_be_sold_again_is_dust():
    one = desk()
    one.order(0, 1_000, 9_995, 9_195)
    filled(one, FILL_TAKER, 9, 9_990)
    position = one.state.positions[0]
    assert (position.lots, position.dust, position.stop) == (0, 9, 0)


def test_a_new_position_takes_the_dust_and_its_cost_along():
    one = desk()
    position = one.state.positions[0]
    position.dust, position.cost = 9, 90_000
    one.order(0, 1_000, 9_995, 9_195)
    filled(one, FILL_TAKER, 1_000, 9_990)
    assert (position.lots, position.dust, position.entry) == (1_009, 0, 9_995)
    assert position.cost == 90_000 + 9_990_000 + 39_960


def test_an_entry_that_is_stopped_in_its_own_bar_leaves_only_a_loss_and_a_cooldown():
    one = desk()
    one.order(0, 1_000, 9_995, 9_195)
    fills = one.play(bar(10_000, 10_000, 9_000, 9_500))
    one.settle()
    position = one.state.positions[0]
    assert (position.lots, position.cost, position.entry) == (0, 0, 0)
    assert position.cooldown == HOUR + 25
    assert one.state.account.cash == one.purse[0] == EQUITY + fills[1].pnl


LOTS = st.lists(st.integers(1, 5_000), min_size=1, max_size=12)


@given(LOTS)
def test_the_profits_of_all_sales_are_what_the_cash_gained(parts: list[int]):
    one = desk()
    position = one.hold(0, sum(parts))
    position.cost += 7
    opening = one.state.account.cash
    profit = sum(book_sell(lots, lots * 10_007, one.state.account, position) for lots in parts)
    assert position.cost == 0
    assert one.state.account.cash - opening == profit + sum(parts) * PRICE + 7
