"""Kraken's counters, on the figures of its own documentation."""

import pytest

from simulator.limits import AMEND_COST, CANCEL_COST, Counter, Limits, aged
from simulator.protocol import Refusal
from simulator.tape import SECOND_NS


def test_the_documented_example_adds_up_to_eight() -> None:
    points = 1 + 1 + aged(AMEND_COST, 7 * SECOND_NS) + aged(CANCEL_COST, 43 * SECOND_NS)
    assert points == 8


@pytest.mark.parametrize(
    ("age_s", "points"),
    [(0, 8), (4, 8), (5, 6), (10, 5), (15, 4), (44, 4), (45, 2), (89, 2), (90, 1), (299, 1), (300, 0)],
)
def test_the_younger_an_order_the_dearer_its_cancel(age_s: int, points: int) -> None:
    assert aged(CANCEL_COST, age_s * SECOND_NS) == points


def test_points_melt_away_and_never_below_zero() -> None:
    counter = Counter()
    assert counter.add(10, 0, 1.0) == 10
    assert counter.add(1, 4 * SECOND_NS, 1.0) == 7
    assert counter.add(1, 100 * SECOND_NS, 1.0) == 1


def test_history_costs_two_and_orders_nothing_of_the_call_counter() -> None:
    limits = Limits("starter")
    for _ in range(7):
        limits.call("TradesHistory", 0)
    for _ in range(100):
        limits.call("AddOrder", 0)
    limits.call("Balance", 0)
    with pytest.raises(Refusal, match="EAPI:Rate limit exceeded"):
        limits.call("Balance", 0)


def test_one_open_order_too_many_is_refused() -> None:
    Limits("starter").room(59)
    with pytest.raises(Refusal, match="EOrder:Orders limit exceeded"):
        Limits("starter").room(60)
    Limits(None).room(10_000)
