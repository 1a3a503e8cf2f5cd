"""Wishes become values, and holdings above a hard cap are cut: lowest rank first, to a point below it."""

import pytest

from tests.core import EQUITY, PRICE, Desk, desk, reading, signal
from trading.codes import EXIT, FLATTEN, FLATTENING, FORCED, HARD_CAP, HOLD, SILENT, TRIM
from trading.hour import SIGNALS, Mandate
from trading.policies.benchmarks import HOLD_WEIGHT
from trading.risk.cap import rank_buyers

PERCENT = EQUITY // 100


def holdings(*lots: int, ranks: tuple[float, ...] = ()) -> Desk:
    """A position of each size; ranks are the predicted returns."""
    returns = ranks or tuple(0.01 * (a + 1) for a in range(len(lots)))
    one = desk(*(reading(cluster=a, e24=e24) for a, e24 in enumerate(returns)))
    for a, count in enumerate(lots):
        one.hold(a, count)
    return one


def sold(one: Desk) -> dict[int, int]:
    """Lots of each approved sale."""
    one.decide()
    return {a: -order.lots for a, order in enumerate(one.orders) if order.lots < 0}


def test_a_portfolio_at_its_hard_cap_is_left_alone():
    one = holdings(100_000, 100_000)
    assert one.state.account.exposure == 20 * PERCENT
    assert sold(one) == {}


def test_above_a_fifth_the_lowest_rank_is_cut_to_a_point_below_the_cap():
    one = holdings(100_000, 101_000)
    assert sold(one) == {0: 11_000}, "20.1 % down to 19 %"
    intent = one.intent()
    assert (intent.action, intent.reason, intent.verdict) == (TRIM, HARD_CAP, FORCED)
    assert one.intent(1).action == HOLD


def test_the_rank_says_who_is_cut_and_a_tie_goes_to_the_later_one():
    assert sold(holdings(100_000, 101_000, ranks=(0.02, 0.01))) == {1: 11_000}
    assert sold(holdings(100_000, 101_000, ranks=(0.01, 0.01))) == {1: 11_000}


def test_what_the_lowest_cannot_give_the_next_lowest_does():
    one = holdings(5_000, 100_000, 100_000)
    assert sold(one) == {0: 5_000, 1: 10_000}, "20.5 % down to 19 %, the whole of the first and a part"
    assert [one.intent(a).action for a in range(3)] == [EXIT, TRIM, HOLD]


def test_eleven_names_are_one_too_many():
    one = holdings(*[1_000] * 11)
    assert sold(one) == {0: 1_000}
    assert (one.intent().action, one.intent().reason) == (EXIT, HARD_CAP)
    assert sold(holdings(*[1_000] * 10)) == {}


def test_what_this_hour_sells_anyway_counts_as_sold():
    one = holdings(100_000, 101_000)
    one.state.positions[1].silent = 72
    assert sold(one) == {1: 101_000}
    assert one.intent(1).reason == SILENT


def test_in_the_second_tier_ten_percent_and_five_names_are_the_cap():
    one = holdings(*[20_000] * 5)
    one.state.account.tier = 2
    assert sold(one) == {}
    one = holdings(*[20_000] * 5, 1_000)
    one.state.account.tier = 2
    assert sold(one) == {0: 20_000}, "1.1 points and one name too many: the whole of the lowest"


def test_in_the_second_tier_a_sixth_name_goes_whole():
    one = holdings(*[10_000] * 6)
    one.state.account.tier = 2
    assert sold(one) == {0: 10_000}


def test_a_cut_below_the_venue_minimum_is_left_undone():
    one = holdings(20_000, 20_000)
    one.config = one.config._replace(
        limits=one.config.limits._replace(exposure_hard_ppm=39_999, cut_margin_ppm=0)
    )
    assert 0 < one.state.account.exposure - EQUITY * 39_999 // 1_000_000 < one.terms[0].cost_min
    assert sold(one) == {}
    assert [one.intent(a).action for a in range(2)] == [HOLD, HOLD]
    assert [one.intent(a).verdict for a in range(2)] == [0, 0]


def test_the_smallest_quantity_is_a_minimum_too():
    one = holdings(20_000, 20_000)
    for terms in one.terms:
        terms.order_min_lots = 1_000
    limits = one.config.limits
    one.config = one.config._replace(limits=limits._replace(exposure_hard_ppm=39_100, cut_margin_ppm=0))
    assert sold(one) == {}, "900 lots would be needed"
    one.config = one.config._replace(limits=limits._replace(exposure_hard_ppm=39_000, cut_margin_ppm=0))
    assert sold(one) == {0: 1_000}


def test_a_rest_below_the_minimum_is_sold_along():
    assert sold(holdings(11_049, 189_951)) == {0: 11_049}, "11,000 are to go, 49 would be too few to stay"
    assert sold(holdings(11_050, 189_950)) == {0: 11_000}


def test_a_position_to_be_cut_is_not_bought():
    one = desk(reading(), mandate=Mandate(SIGNALS, HOLD_WEIGHT, 1, 0))
    one.hold(0, 201_000)
    one.signals = [signal(weight=0.50, rebalance=1)]
    assert sold(one) == {0: 11_000}


def test_a_halt_keeps_nobody_from_being_cut():
    one = holdings(100_000, 101_000)
    one.state.account.halted = 1
    one.state.account.unreconciled = 1
    assert sold(one) == {0: 11_000}


def test_a_halt_that_flattens_sells_every_holding_whole_and_buys_nothing():
    one = desk(reading(e24=0.05), reading(cluster=1), reading(cluster=2, e24=0.05))
    one.hold(0, 60_000)
    one.hold(1, 40_000)
    one.state.account.halted = FLATTENING
    one.decide()
    assert [order.lots for order in one.orders] == [-60_000, -40_000, 0]
    assert [one.intent(a).reason for a in (0, 1)] == [FLATTEN, FLATTEN]
    assert [one.intent(a).verdict for a in (0, 1)] == [FORCED, FORCED]


def test_flattening_leaves_an_exit_its_own_reason():
    one = holdings(60_000, 40_000)
    one.state.positions[0].silent = 72
    one.state.account.halted = FLATTENING
    assert sold(one) == {0: 60_000, 1: 40_000}
    assert [one.intent(a).reason for a in (0, 1)] == [SILENT, FLATTEN]


@pytest.mark.parametrize(("tier", "ppm"), [(0, 20_000), (1, 10_000), (2, 5_000)])
def test_the_drawdown_tier_shrinks_the_wish(tier: int, ppm: int):
    one = desk()
    one.state.account.tier = tier
    one.decide()
    assert one.intent().target_ppm == ppm
    assert one.breaches() == ({"DRAWDOWN_SIZE"} if tier else set())
    assert one.intent().capped == EQUITY * ppm // 1_000_000


def test_buyers_stand_best_first_and_ties_go_to_the_earlier_instrument():
    one = desk(*(reading(cluster=a, e24=e24) for a, e24 in enumerate((0.03, 0.05, 0.03, 0.09))))
    one.decide()
    assert rank_buyers(one.decision) == 4
    assert list(one.decision.order) == [3, 1, 0, 2]


def test_a_wish_in_a_blocked_hour_gets_nothing_and_names_the_block():
    one = desk()
    one.state.account.halted = 1
    one.decide()
    assert one.intent().capped == 0
    assert one.breaches() == {"HALTED"}


def test_a_trim_sells_what_is_above_its_weight():
    one = desk(mandate=Mandate(SIGNALS, HOLD_WEIGHT, 1, 0))
    one.hold(0, 100_000)
    one.signals = [signal(weight=0.05, rebalance=1)]
    assert sold(one) == {0: 50_000}
    assert one.intent().capped == 50_000 * PRICE
