"""The guard's memory through every order of marks, trips and reviews, and beside the backtest's."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.core import CONFIG
from trading.portfolio import Account
from trading.records import blank
from trading.risk.drawdown import flow, guard, is_down
from trading.risk.live_triggers import API_INSTABILITY, SPREAD_ANOMALY
from trading.risk.trading_state import (
    ACTIVE,
    APPROVE,
    HALTED,
    REDUCING,
    REQUEST,
    STATES,
    Act,
    Cause,
    Latch,
    Standing,
    Tellings,
    effective,
    flattens,
    halt_name,
    refusal,
    reviewed,
)
from trading.risk.vigil import Mark, Rules, Vigil, compared, mark, resumed, tripped

RULES = Rules(CONFIG.limits, CONFIG.kill_switch)
START = 1_000_000
OPERATORS = ("ada", "bob", "eve")
TRIGGERS = (API_INSTABILITY, SPREAD_ANOMALY)
FALLS = st.integers(600, 1_100)
"""Equity after an hour, in thousandths of before."""


def opened(equity: int = START) -> Vigil:
    return mark(Vigil(Latch(ACTIVE, 0)), Mark(0, equity, 0), RULES)


def hours(vigil: Vigil, *equities: int) -> Vigil:
    for equity in equities:
        vigil = mark(vigil, Mark(vigil.hour + 1, equity, 0), RULES)
    return vigil


def test_tiers_begin_at_10_15_and_20_percent_and_the_last_one_latches() -> None:
    seen = [hours(opened(), equity) for equity in (900_001, 900_000, 850_000, 800_001, 800_000)]
    assert [one.tier for one in seen] == [0, 1, 2, 2, 3]
    assert [one.latch.state for one in seen] == [ACTIVE] * 4 + [HALTED]
    risen = hours(seen[-1], 2 * START)
    assert (risen.latch.state, risen.latch.halt_id, risen.latch.causes) == (HALTED, "halt-1", ("drawdown",))


def test_a_resume_from_a_drawdown_begins_the_risk_peak_anew_at_the_next_mark_and_never_the_other() -> None:
    lifted = resumed(hours(opened(), 800_000))
    assert (lifted.latch, lifted.tier, lifted.peak) == (Latch(ACTIVE, 2), 0, 800_000)
    after = hours(lifted, 700_000)
    assert (after.latch.state, after.tier, after.peak, after.lifetime_peak) == (ACTIVE, 0, 700_000, START)
    assert hours(after, 560_000).latch.state == HALTED


def test_a_resume_from_another_halt_leaves_the_drawdown_as_it_was() -> None:
    lifted = resumed(tripped(hours(opened(), 850_000), Cause.MANUAL))
    assert (lifted.latch.state, lifted.tier, lifted.peak) == (ACTIVE, 2, START)
    assert hours(lifted, 800_000).latch.causes == (Cause.DRAWDOWN,)


def test_a_drawdown_during_a_halt_is_a_halt_of_its_own() -> None:
    halt = tripped(opened(), Cause.MANUAL)
    requested = halt._replace(latch=reviewed(halt.latch, Act("halt-1", "ada", REQUEST, "looks fine")))
    fallen = hours(requested, 800_000)
    assert fallen.latch == Latch(HALTED, 2, (Cause.MANUAL, Cause.DRAWDOWN))
    assert hours(fallen, 700_000).latch == fallen.latch


def test_triggers_reduce_and_clear_by_themselves_and_a_resume_does_not_clear_them() -> None:
    cautious = mark(opened(), Mark(1, START, 0, [SPREAD_ANOMALY]), RULES)
    assert cautious.latch == Latch(REDUCING, 0)
    assert resumed(tripped(cautious, Cause.MANUAL)).latch == Latch(REDUCING, 2)
    assert hours(cautious, *[START] * 5).latch.state == REDUCING
    assert hours(cautious, *[START] * 6).latch == Latch(ACTIVE, 0)


def test_what_was_emptied_and_filled_again_begins_anew() -> None:
    emptied = mark(opened(), Mark(1, 0, -START), RULES)
    assert (emptied.latch.state, emptied.peak) == (HALTED, START)
    filled = mark(emptied, Mark(2, 500, 500), RULES)
    assert (filled.latch.state, filled.peak, filled.lifetime_peak, filled.units) == (HALTED, 500, 500, 500)


@given(
    steps=st.lists(st.tuples(FALLS, st.integers(-50, 50)), max_size=40),
    review_after_h=st.sampled_from([0, 1, 3]),
)
def test_the_guard_is_the_backtest_s_guard(steps: list[tuple[int, int]], review_after_h: int) -> None:
    account = blank(Account, 1)[0]
    account.cash = account.equity = account.units = account.peak = account.lifetime_peak = START
    vigil = opened()
    for hour, (change, percent) in enumerate(steps, 1):
        account.equity = account.cash = account.equity * change // 1_000
        before = account.cash
        flow(account.equity * percent // 100, account)
        booked = account.cash - before
        guard(hour, review_after_h, CONFIG.limits, account)
        seen = Mark(hour, account.equity, booked, review_after_h=review_after_h)
        vigil = mark(vigil, seen, RULES)
        assert (vigil.peak, vigil.lifetime_peak, vigil.units) == (
            account.peak,
            account.lifetime_peak,
            account.units,
        )
        assert (vigil.tier, vigil.latch.epoch) == (account.tier, account.halt_epoch)
        assert (vigil.latch.state == HALTED) == bool(account.halted)
        assert not account.halted or vigil.halt_hour == account.halt_hour


class Guarding(RuleBasedStateMachine):
    """Marks, trips and acts of review in any order, each checked against what may never be."""

    def __init__(self) -> None:
        super().__init__()
        self.vigil = opened()
        self.said: set[tuple[str, str]] = set()

    @rule(change=FALLS, fired=st.sets(st.sampled_from(TRIGGERS)), late=st.booleans())
    def marks(self, change: int, fired: set[str], late: bool) -> None:
        before = self.vigil
        hour = before.hour + (0 if late else 1)
        self.vigil = mark(before, Mark(hour, before.equity * change // 1_000 + 1, 0, fired), RULES)
        assert mark(self.vigil, Mark(self.vigil.hour, 1, 0, fired), RULES) is self.vigil
        assert not late or self.vigil is before
        if before.latch.state == HALTED:
            assert self.vigil.latch.state == HALTED
        assert not fired or late or self.vigil.latch.state != ACTIVE

    @rule(cause=st.sampled_from([Cause.MANUAL, Cause.PROOF, Cause.MISMATCH, Cause.FLATTEN]))
    def trips(self, cause: Cause) -> None:
        epoch = self.vigil.latch.epoch
        self.vigil = tripped(self.vigil, cause)
        assert self.vigil.latch.state == HALTED
        assert self.vigil.latch.epoch == epoch + 1
        assert not self.vigil.latch.requester

    @rule(
        operator=st.sampled_from(OPERATORS),
        role=st.sampled_from([REQUEST, APPROVE]),
        age=st.integers(0, 1),
        required=st.sampled_from([1, 2]),
    )
    def reviews(self, operator: str, role: str, age: int, required: int) -> None:
        latch = self.vigil.latch
        halt_id = halt_name(latch.epoch - age, Cause.FLATTEN in latch.causes)
        said = Act(halt_id, operator, role, "read the runbook")
        if refusal(latch, said):
            return
        assert latch.state == HALTED
        assert age == 0
        assert (halt_id, operator) not in self.said
        self.said.add((halt_id, operator))
        after = reviewed(latch, said)
        self.vigil = self.vigil._replace(latch=after)
        if len(after.approvers) >= required:
            assert len({after.requester, *after.approvers}) == 1 + len(after.approvers) > required
            self.vigil = resumed(self.vigil)
            assert self.vigil.latch.epoch == latch.epoch + 1

    @invariant()
    def a_deep_drawdown_is_a_halt(self) -> None:
        if is_down(self.vigil.equity, self.vigil.peak, CONFIG.limits.drawdown_halt_pct):
            assert self.vigil.latch.state == HALTED
        assert (self.vigil.tier == 3) == (Cause.DRAWDOWN in self.vigil.latch.causes)
        assert (self.vigil.latch.causes != ()) == (self.vigil.latch.state == HALTED)


TestGuarding = Guarding.TestCase


def test_a_mark_that_comes_twice_or_late_changes_nothing() -> None:
    vigil = hours(opened(), 900_000, 850_000)
    for hour in (0, 1, 2):
        assert mark(vigil, Mark(hour, 1, 0, TRIGGERS, ["manual"]), RULES) is vigil
    with pytest.raises(AttributeError):
        vigil.hour = 7  # type: ignore[misc]


GUARDS = (
    opened(),
    mark(opened(), Mark(1, START, 0, [SPREAD_ANOMALY]), RULES),
    tripped(opened(), Cause.MANUAL),
    hours(opened(), 800_000),
)


@pytest.mark.parametrize("vigil", GUARDS, ids=["active", "reducing", "manual", "drawdown"])
def test_a_look_at_the_other_tellings_never_loosens(vigil: Vigil) -> None:
    mine = vigil.latch.standing
    told = [None, *(Standing(state, epoch) for state in STATES for epoch in range(4))]
    for row, audit in itertools.product(told, repeat=2):
        seen, held = compared(vigil, row, audit, RULES), effective(Tellings(mine, row, audit))
        if row == mine == audit:
            assert seen is vigil
            continue
        assert seen.latch.state != ACTIVE
        assert STATES.index(seen.latch.state) >= STATES.index(held.state)
        assert seen.latch.epoch >= mine.epoch
        if row is not None and row.state == HALTED and row.epoch > mine.epoch:
            assert seen.latch.halt_id == f"halt-{row.epoch}"
        elif seen.latch.state == HALTED:
            assert seen.latch.epoch == mine.epoch + 1


def test_a_halt_whose_row_was_loosened_to_reducing_is_tripped_again() -> None:
    halted = tripped(opened(), Cause.MANUAL)
    found = compared(halted, Standing(REDUCING, 1), Standing(HALTED, 1), RULES)
    assert found.latch == Latch(HALTED, 2, (Cause.MANUAL, Cause.FOUND))


def test_a_halt_that_flattens_goes_on_through_later_trips_until_it_is_lifted() -> None:
    vigil = tripped(tripped(opened(), Cause.FLATTEN), Cause.PROOF)
    assert (vigil.latch.halt_id, flattens(vigil.latch.halt_id)) == ("flatten-2", True)
    assert resumed(vigil).latch == Latch(ACTIVE, 3)


def test_a_row_that_flattens_is_taken_over_as_one() -> None:
    row = Standing(HALTED, 4)
    assert compared(opened(), row, row, RULES, True).latch.halt_id == "flatten-4"
    assert compared(opened(), row, row, RULES).latch.halt_id == "halt-4"


def test_caution_from_outside_clears_after_its_hours() -> None:
    vigil = compared(opened(), Standing(REDUCING, 0), Standing(ACTIVE, 0), RULES)
    assert vigil.latch == Latch(REDUCING, 0)
    assert hours(vigil, *[START] * 5).latch.state == REDUCING
    assert hours(vigil, *[START] * 6).latch.state == ACTIVE
