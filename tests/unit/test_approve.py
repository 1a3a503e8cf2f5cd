"""The last function before a venue keeps, shrinks or denies; it never enlarges, and sells always pass."""

import pytest

from tests.core import EQUITY, PRICE, Desk, desk, market, reading, signal
from trading.codes import (
    DENIED,
    EXIT,
    FORCED,
    HOUR_HALTED,
    HOUR_KILLED,
    HOUR_STALE,
    HOUR_UNRECONCILED,
    KEPT,
    NO_CHANGE,
    NO_VERDICT,
    SHRUNK,
    TRADED,
)
from trading.hour import SIGNALS, Mandate
from trading.policies.benchmarks import HOLD_WEIGHT
from trading.risk.approve import approve, grant_buy, pass_sell
from trading.sizing import worst_cost

PERCENT = EQUITY // 100


def approve_again(one: Desk, lots: int) -> None:
    """Put `lots` into the planned intent of instrument 0 and ask for approval."""
    one.intent().lots, one.intent().breach = lots, 0
    approve(one.view, one.state, one.config, 0, one.terms, one.decision, 1, one.orders)


def test_a_wish_within_every_limit_is_kept_as_planned():
    one = desk()
    assert one.decide() == TRADED
    order, intent = one.orders[0], one.intent()
    assert intent.verdict == KEPT
    assert order.lots == intent.lots > 0
    assert (order.limit, order.stop, order.take, order.trail) == (9_995, 9_195, 11_395, 799)


def test_an_approved_buy_costs_at_worst_what_it_was_given():
    one = desk()
    one.decide()
    lots, limit = one.orders[0].lots, one.orders[0].limit
    assert worst_cost(lots, limit, one.config, one.terms[0]) <= 2 * PERCENT
    assert worst_cost(lots + 1, limit, one.config, one.terms[0]) > 2 * PERCENT


def test_whatever_was_planned_an_approval_stays_inside_the_limits():
    one = desk()
    one.decide()
    approve_again(one, 2 * one.intent().lots)
    assert one.intent().verdict == SHRUNK
    assert one.breaches() == {"NAME"}
    assert worst_cost(one.orders[0].lots, 9_995, one.config, one.terms[0]) <= 3 * PERCENT


def test_whatever_was_planned_all_approvals_together_stay_inside_the_limits():
    one = desk(*(reading(cluster=a, e24=0.09 - a / 1_000) for a in range(10)))
    one.decide()
    for intent in one.decision.intents:
        intent.lots, intent.breach = 29_000, 0
    approve(one.view, one.state, one.config, 0, one.terms, one.decision, 10, one.orders)
    costs = [worst_cost(order.lots, order.limit, one.config, one.terms[0]) for order in one.orders]
    assert 18 * PERCENT < sum(costs) <= 19 * PERCENT
    assert [intent.verdict for intent in one.decision.intents] == [KEPT] * 6 + [SHRUNK] + [DENIED] * 3


def test_an_approval_never_enlarges():
    one = desk()
    one.decide()
    approve_again(one, 100)
    assert one.orders[0].lots == 100


def test_all_approvals_together_stay_inside_the_exposure_cap_at_their_worst():
    one = desk(*(reading(cluster=a, sigma_24=0.01, e24=0.09 - a / 1_000) for a in range(10)))
    one.decide()
    costs = [worst_cost(order.lots, order.limit, one.config, one.terms[0]) for order in one.orders]
    assert 18 * PERCENT < sum(costs) <= 19 * PERCENT
    verdicts = [intent.verdict for intent in one.decision.intents]
    assert verdicts == [KEPT] * 6 + [SHRUNK] + [DENIED] * 3


def test_a_purchase_of_which_nothing_is_left_is_denied_with_its_reason():
    one = desk(reading(notional_24h=0, e_hold=9.0))
    assert one.decide() == NO_CHANGE
    assert one.intent().verdict == DENIED
    assert one.breaches() == {"VOLUME"}


def test_what_the_venue_would_find_too_small_is_denied():
    one = desk(reading(notional_24h=40_000_000, e_hold=9.0))
    assert one.decide() == NO_CHANGE
    assert one.breaches() == {"VOLUME", "MINIMUM"}


@pytest.mark.parametrize(
    ("lots", "granted"), [(10, True), (9, False), (0, False)], ids=["enough", "too few", "none"]
)
def test_the_smallest_order_is_still_an_order(lots: int, granted: bool):
    one = desk()
    one.terms[0].cost_min = 0
    one.intent().limit = 1_000
    assert grant_buy(lots, one.terms[0], one.intent(), one.orders[0]) is granted


def test_the_smallest_value_is_still_an_order():
    one = desk()
    one.intent().limit = 1_000
    assert grant_buy(500, one.terms[0], one.intent(), one.orders[0])
    assert not grant_buy(499, one.terms[0], one.intent(), one.orders[0])


BLOCKS = [
    ({"halted": 1}, HOUR_HALTED, "HALTED"),
    ({"move_clear_h": 3}, HOUR_KILLED, "KILL_SWITCH"),
    ({"volatility_clear_h": 3}, HOUR_KILLED, "KILL_SWITCH"),
    ({"data_clear_h": 3}, HOUR_KILLED, "KILL_SWITCH"),
    ({"unreconciled": 1}, HOUR_UNRECONCILED, "UNRECONCILED"),
]


@pytest.mark.parametrize(("state", "outcome", "name"), BLOCKS)
def test_no_entry_passes_in_a_blocked_state(state: dict[str, int], outcome: int, name: str):
    one = desk()
    for field, value in state.items():
        setattr(one.state.account, field, value)
    assert one.decide() == outcome
    assert one.orders[0].lots == 0
    assert one.intent().verdict == DENIED
    assert one.breaches() == {name}


@pytest.mark.parametrize(("state", "outcome", "name"), BLOCKS)
def test_approval_minds_a_blocked_state_whatever_planning_did(state: dict[str, int], outcome: int, name: str):
    one = desk()
    one.decide()
    lots = one.intent().lots
    for field, value in state.items():
        setattr(one.state.account, field, value)
    approve_again(one, lots)
    assert one.orders[0].lots == 0
    assert name in one.breaches()


@pytest.mark.parametrize(("state", "outcome", "name"), BLOCKS)
def test_an_exit_passes_in_every_blocked_state(state: dict[str, int], outcome: int, name: str):
    one = desk(reading(close=11_500))
    one.hold(0, 20_000, take=11_400)
    for field, value in state.items():
        setattr(one.state.account, field, value)
    assert one.decide() == TRADED
    assert one.orders[0].lots == -20_000
    assert one.intent().verdict == KEPT


def test_a_refused_window_is_stale_for_entries_only():
    one = desk(market=market(refused=1))
    assert one.decide() == HOUR_STALE
    assert one.breaches() == {"STALE"}


def test_an_exit_takes_the_dust_along():
    one = desk(reading(close=11_500))
    one.hold(0, 20_000, take=11_400, dust=7)
    one.decide()
    assert one.orders[0].lots == -20_007


def test_a_sale_is_at_most_what_is_held():
    one = desk()
    position = one.hold(0, 20_000)
    one.intent().lots = -30_000
    pass_sell(position, one.terms[0], one.intent(), one.orders[0])
    assert one.orders[0].lots == -20_000


def test_a_sale_below_the_smallest_quantity_cannot_be_sent():
    one = desk()
    position = one.hold(0, 20_000)
    for lots, sent, verdict in ((-9, 0, DENIED), (-10, -10, KEPT)):
        one.intent().lots, one.intent().breach, one.orders[0].lots = lots, 0, 0
        pass_sell(position, one.terms[0], one.intent(), one.orders[0])
        assert (one.orders[0].lots, one.intent().verdict) == (sent, verdict)


def test_a_forced_cut_keeps_its_verdict():
    one = desk()
    one.hold(0, 201_000)
    one.decide()
    assert one.intent().verdict == FORCED


def test_orders_of_the_hour_before_are_withdrawn():
    one = desk()
    one.decide()
    assert one.orders[0].lots > 0
    one.readings[0].p24 = 0.1
    assert one.decide() == NO_CHANGE
    order = one.orders[0]
    assert (order.lots, order.limit, order.stop, order.take, order.trail) == (0, 0, 0, 0, 0)
    assert one.intent().verdict == NO_VERDICT


def test_a_sale_of_this_hour_makes_no_room_for_an_entry_of_this_hour():
    one = desk(*(reading(cluster=a, close=11_500 if a == 0 else PRICE) for a in range(10)))
    for a in range(9):
        one.hold(a, 21_000, take=11_400 if a == 0 else 0)
    one.state.positions[0].mark = 11_500
    one.mark()
    one.decide()
    assert one.intent(0).action == EXIT
    assert one.orders[9].lots == 0, "the exit may not fill"


def test_a_holding_that_wants_more_keeps_its_stop():
    one = desk(mandate=Mandate(SIGNALS, HOLD_WEIGHT, 1, 0))
    one.hold(0, 20_000, stop=9_000)
    one.signals = [signal(weight=0.10, rebalance=1)]
    one.decide()
    assert one.orders[0].lots > 0
    assert one.orders[0].stop == 0
    assert one.holdings[0].stop == 9_000
