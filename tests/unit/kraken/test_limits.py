"""Both rate counters, by Kraken's own figures and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kraken.limits import (
    ADD_COST,
    INTERMEDIATE,
    PRO,
    STARTER,
    TIERS,
    Charge,
    Counter,
    Pacer,
    amend_cost,
    cancel_cost,
    private_pacer,
    public_pacer,
)


def test_the_documented_example_costs_eight() -> None:
    assert ADD_COST + amend_cost(7) + cancel_cost(36) == 8


@pytest.mark.parametrize(
    ("age_s", "amend", "cancel"),
    [
        (0, 4, 8),
        (4.9, 4, 8),
        (5, 3, 6),
        (10, 2, 5),
        (15, 1, 4),
        (45, 1, 2),
        (90, 1, 1),
        (299, 1, 1),
        (300, 1, 0),
    ],
)
def test_young_orders_cost_more_to_touch(age_s: float, amend: int, cancel: int) -> None:
    assert (amend_cost(age_s), cancel_cost(age_s)) == (amend, cancel)


@pytest.mark.parametrize(
    ("tier", "burst", "wait_s"), [(STARTER, 15, 1 / 0.33), (INTERMEDIATE, 20, 2), (PRO, 20, 1)]
)
def test_each_tier_has_its_burst_and_then_its_pace(tier: object, burst: int, wait_s: float) -> None:
    pacer = private_pacer(tier)  # type: ignore[arg-type]
    for _ in range(burst):
        assert pacer.wait_s(Charge(1), 0) == 0
        pacer.spend(Charge(1), 0)
    assert pacer.wait_s(Charge(1), 0) == pytest.approx(wait_s)
    assert tier in TIERS.values()


def test_pairs_count_apart_and_orders_leave_the_key_alone() -> None:
    pacer = private_pacer(STARTER)
    for _ in range(60):
        pacer.spend(Charge(0, "XXBTZUSD", 1), 0)
    assert pacer.wait_s(Charge(0, "XXBTZUSD", 1), 0) == pytest.approx(1)
    assert pacer.wait_s(Charge(0, "XETHZUSD", 1), 0) == 0
    assert pacer.wait_s(Charge(1), 0) == 0


def test_public_calls_come_one_a_second() -> None:
    pacer = public_pacer()
    pacer.spend(Charge(1), 100)
    assert pacer.wait_s(Charge(1), 100.25) == pytest.approx(0.75)


def test_a_pause_of_the_key_holds_everything_and_one_of_a_pair_holds_that_pair() -> None:
    pacer = Pacer(Counter(20, 1.0))
    pacer.pause("XXBTZUSD", 10, 0)
    assert pacer.wait_s(Charge(0, "XXBTZUSD", 1), 0) == pytest.approx(10)
    assert pacer.wait_s(Charge(0, "XETHZUSD", 1), 0) == 0
    pacer.pause("", 900, 0)
    assert pacer.wait_s(Charge(0, "XETHZUSD", 1), 1) == pytest.approx(899)
    pacer.pause("", 5, 0)
    assert pacer.wait_s(Charge(1), 1) == pytest.approx(899)


@given(
    limit=st.integers(1, 200),
    decay=st.floats(0.1, 5),
    steps=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 10)), max_size=30),
)
def test_who_waits_as_told_never_passes_the_limit(
    limit: int, decay: float, steps: list[tuple[float, int]]
) -> None:
    counter, now_s = Counter(limit, decay), 50.0
    for pause_s, cost in steps:
        now_s += pause_s
        now_s += counter.wait_s(cost, now_s)
        assert counter.wait_s(cost, now_s) == 0
        counter.spend(cost, now_s)
        assert 0 <= counter.level(now_s) <= max(limit, cost) + 1e-6


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_clock_that_steps_back_frees_nothing(first_s: float, second_s: float) -> None:
    counter = Counter(10, 1.0)
    counter.spend(10, first_s)
    assert counter.level(min(first_s, second_s)) == 10


def test_a_full_counter_is_what_the_venue_says() -> None:
    counter = Counter(20, 1.0)
    counter.fill(5)
    assert counter.wait_s(1, 5) == pytest.approx(1)
