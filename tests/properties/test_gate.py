"""The gate of a replay: facts in any order and any number give one answer, and nobody is left behind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.gate import STALL_S, Gate

HOUR = "2024-01-01T00:00Z"
NOW = 100
NAMES = st.sampled_from("abc")
ORDERS = st.sampled_from(["o1", "o2", "o3", "o4"])
FACTS = st.one_of(
    st.tuples(st.just("decided"), st.just(HOUR), st.lists(NAMES), st.lists(ORDERS)),
    st.tuples(st.just("withdrawn"), ORDERS, st.lists(ORDERS)),
    st.tuples(st.just("wait"), ORDERS, st.integers(0, 2 * NOW), st.integers(0, 3)),
)
OPENED: tuple[Any, ...] = ("open", HOUR, ("a", "b", "c"))


def told(facts: Any, changes: list[str]) -> Gate:
    gate = Gate()
    for order in changes:
        gate.changed(order)
    for name, *values in facts:
        getattr(gate, name)(*values)
    return gate


def lacks(gate: Gate, now_ns: int = NOW) -> set[str]:
    return {row.name for row in gate.missing(HOUR, now_ns, 0.0)}


@given(st.lists(FACTS), st.lists(ORDERS, max_size=4), st.data())
def test_facts_count_once_and_in_any_order(facts: Any, changes: list[str], data: st.DataObject) -> None:
    again = data.draw(
        st.permutations([OPENED, *facts, *data.draw(st.lists(st.sampled_from([OPENED, *facts])))])
    )
    once, other = told([OPENED, *facts], changes), told(again, changes)
    assert lacks(once) == lacks(other)
    assert once.next_due_ns(NOW) == other.next_due_ns(NOW)


@given(st.lists(FACTS), st.lists(ORDERS, max_size=4))
def test_nobody_is_left_behind(facts: Any, changes: list[str]) -> None:
    """The gate's answer against the rule of its docstring, worked out by hand from the facts."""
    named = {kind: [fact for fact in facts if fact[0] == kind] for kind in ("decided", "withdrawn", "wait")}
    decided = {name for fact in named["decided"] for name in fact[2]}
    planned = {order for fact in named["decided"] for order in fact[3]}
    planned |= {order for fact in named["withdrawn"] for order in fact[2]}
    planned |= {fact[1] for fact in named["wait"]}
    through = {fact[1] for fact in named["withdrawn"]}

    def waits(order: str) -> bool:
        # A newer look at the order overrides an older one; of equal looks the later time counts.
        found = max(((fact[3], fact[2]) for fact in named["wait"] if fact[1] == order), default=(0, 0))
        return found[0] >= changes.count(order) and found[1] > NOW

    expected = {f"portfolio {name}" for name in {"a", "b", "c"} - decided}
    expected |= {f"order {order}" for order in planned - through if not waits(order)}
    gate = told([OPENED, *facts], changes)
    assert lacks(gate) == expected
    due = gate.next_due_ns(NOW)
    assert (due is not None) == any(waits(order) for order in planned - through)
    assert due is None or due > NOW


@given(st.lists(FACTS))
def test_time_stands_still_until_the_gate_is_opened(facts: Any) -> None:
    assert lacks(told(facts, [])) == {f"hour {HOUR}"}


def decided(*orders: str) -> Gate:
    return told([OPENED, ("decided", HOUR, ("a", "b", "c"), orders)], [])


def test_a_wait_that_came_due_is_answered_by_a_later_wait_or_a_withdrawal() -> None:
    gate = decided("limit")
    assert lacks(gate) == {"order limit"}
    gate.wait("limit", 50)
    assert lacks(gate, 49) == set()
    assert lacks(gate, 50) == {"order limit"}
    gate.wait("limit", 60)
    assert lacks(gate, 50) == set()
    gate.withdrawn("limit")
    assert lacks(gate, 60) == set()


def test_an_order_that_changed_has_to_be_looked_at() -> None:
    gate = decided("limit")
    seen = gate.wait("limit", 50)
    gate.changed("limit")
    assert lacks(gate, 10) == {"order limit"}
    gate.wait("limit", 50, seen)
    assert lacks(gate, 10) == {"order limit"}
    gate.wait("limit", 50)
    assert lacks(gate, 10) == set()


def test_an_order_that_follows_another_is_waited_for() -> None:
    gate = decided("limit")
    gate.withdrawn("limit", ["market"])
    assert lacks(gate) == {"order market"}
    gate.withdrawn("market")
    assert lacks(gate) == set()


def test_whoever_makes_no_progress_is_named() -> None:
    gate = decided("slow", "quick")
    assert [row.stalled for row in gate.missing(HOUR, 0, 5.0)] == [False, False]
    gate.wait("quick", 10)
    gate.missing(HOUR, 0, 20.0)
    late = gate.missing(HOUR, 10, 5.0 + STALL_S)
    assert [(row.name, row.stalled) for row in late] == [("order slow", True), ("order quick", False)]


def test_an_hour_has_one_list_of_portfolios() -> None:
    gate = decided()
    with pytest.raises(ValueError, match="other portfolios"):
        gate.open(HOUR, ["a"])
