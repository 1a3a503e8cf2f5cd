"""One transaction for an event, the row, the audit log and the alert; told again it is the same event."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from adapters.audit import Audit
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.migrate import upgrade
from adapters.storage.outbox import Alert
from adapters.storage.portfolios import open_portfolio
from adapters.storage.states import Mark
from adapters.storage.trading_state import TradingStates
from tests.stored import NOW
from trading.clock import TradingHour
from trading.errors import InvariantError
from trading.risk.halt_events import (
    CAUTIOUS,
    CLEARED,
    LIFTED,
    OPENED,
    REFUSED,
    RESUMED,
    TRIPPED,
    Recorded,
    Told,
)
from trading.risk.trading_state import ACTIVE, APPROVE, HALTED, REDUCING, REQUEST, Latch, Standing
from trading.risk.vigil import Vigil


class Noon:
    def now(self) -> datetime:
        return NOW

    def monotonic_s(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None: ...


@pytest.fixture
def states(engine: Engine, key: PortfolioKey) -> TradingStates:
    """The states of one portfolio that trades."""
    states = TradingStates(engine, Noon())
    states.open(*key, ACTIVE, "first start")
    return states


def told(id: str, what: str, known: Standing, wanted: Standing, by: str = "guard", **changes: Any) -> Told:
    return Told(id, what, by, "drawdown", known, wanted, **changes)


OPEN, HALT = Standing(ACTIVE, 0), Standing(HALTED, 1)
TRIP = told("t1", TRIPPED, OPEN, HALT)


def alerts(engine: Engine, key: PortfolioKey) -> list[str]:
    with reading(engine) as session:
        found = session.scalars(select(Alert).where(Alert.portfolio == key.portfolio).order_by(Alert.alert))
        return [alert.kind for alert in found]


def test_a_portfolio_opens_once_and_row_and_audit_agree(
    states: TradingStates, engine: Engine, key: PortfolioKey
) -> None:
    assert states.tellings(*key) == (OPEN, OPEN)
    assert states.open(*key, HALTED, "again") == Vigil(Latch(ACTIVE, 0))
    assert [event.what for event in states.history(*key)] == [OPENED]
    assert alerts(engine, key) == []


def test_a_portfolio_nobody_opened_has_no_telling(engine: Engine, key: PortfolioKey) -> None:
    assert TradingStates(engine, Noon()).tellings(*key) == (None, None)


def test_a_trip_told_twice_is_one_halt_one_audit_entry_and_one_alert(
    states: TradingStates, engine: Engine, key: PortfolioKey
) -> None:
    assert [states.record(*key, TRIP) for _ in range(3)] == [Recorded(HALT)] * 3
    assert states.tellings(*key) == (HALT, HALT)
    assert [event.halt for event in states.history(*key)] == ["", "halt-1"]
    assert alerts(engine, key) == ["halt"]


def test_a_trip_gets_an_epoch_of_its_own_whoever_was_first(states: TradingStates, key: PortfolioKey) -> None:
    states.record(*key, TRIP)
    assert states.record(*key, TRIP._replace(id="t2")).standing == Standing(HALTED, 2)
    ahead = told("t3", TRIPPED, OPEN, Standing(HALTED, 9))
    assert states.record(*key, ahead).standing == Standing(HALTED, 9)


def test_a_halt_that_flattens_keeps_its_kind_through_later_trips_and_a_new_guard(
    states: TradingStates, key: PortfolioKey
) -> None:
    states.record(*key, TRIP._replace(flattening=True))
    assert states.halt(*key) == "flatten-1"
    states.record(*key, TRIP._replace(id="t2"))
    assert states.halt(*key) == "flatten-2"
    assert [event.halt for event in states.history(*key)] == ["", "flatten-1", "flatten-2"]
    assert states.open(*key, ACTIVE, "again").latch.halt_id == "flatten-2"
    held = Standing(HALTED, 2)
    states.record(*key, told("a1", APPROVE, held, held, "bob", halt="flatten-2"))
    states.record(*key, told("r1", RESUMED, held, Standing(ACTIVE, 3), halt="flatten-2"))
    assert states.halt(*key) == ""
    states.record(*key, TRIP._replace(id="t4"))
    assert states.halt(*key) == "halt-4"


def test_a_resume_lifts_only_what_its_teller_knows(states: TradingStates, key: PortfolioKey) -> None:
    states.record(*key, TRIP)
    states.record(*key, told("a1", APPROVE, HALT, HALT, "bob", halt="halt-1"))
    resume = told("r1", RESUMED, HALT, Standing(ACTIVE, 2), halt="halt-1")
    states.record(*key, TRIP._replace(id="t2"))
    refused = states.record(*key, resume)
    assert refused.standing == Standing(HALTED, 2)
    assert "HALTED at epoch 2" in refused.objection
    assert states.tellings(*key)[0] == Standing(HALTED, 2)
    states.record(*key, told("a2", APPROVE, HALT, HALT, "bob", halt="halt-2"))
    again = told("r2", RESUMED, Standing(HALTED, 2), Standing(ACTIVE, 3), halt="halt-2")
    assert states.record(*key, again) == states.record(*key, again) == Recorded(Standing(ACTIVE, 3))
    assert states.tellings(*key) == (Standing(ACTIVE, 3),) * 2


def test_caution_comes_and_goes_in_the_row(states: TradingStates, engine: Engine, key: PortfolioKey) -> None:
    cautious = Standing(REDUCING, 0)
    assert states.record(*key, told("c1", CAUTIOUS, OPEN, cautious)).standing == cautious
    assert states.record(*key, told("c2", CLEARED, cautious, OPEN)).standing == OPEN
    assert states.tellings(*key) == (OPEN, OPEN)
    states.record(*key, TRIP)
    assert states.record(*key, told("c3", CAUTIOUS, OPEN, cautious)).standing == HALT
    assert alerts(engine, key) == ["halt", "kill-switch", "kill-switch", "kill-switch"]


def test_a_refusal_is_kept_and_changes_nothing(states: TradingStates, key: PortfolioKey) -> None:
    states.record(*key, TRIP)
    said = told("x1", REFUSED, HALT, HALT, "bob", halt="halt-0", refusal="another halt")
    assert states.record(*key, said) == Recorded(HALT)
    last = states.history(*key)[-1]
    assert (last.what, last.operator, last.halt, last.refusal) == (REFUSED, "bob", "halt-0", "another halt")


def test_the_database_refuses_what_no_review_may_do(states: TradingStates, key: PortfolioKey) -> None:
    states.record(*key, TRIP)
    with pytest.raises(InvariantError, match="a resume needs an approval"):
        states.record(*key, told("r1", RESUMED, HALT, Standing(ACTIVE, 2), halt="halt-1"))
    states.record(*key, told("q1", REQUEST, HALT, HALT, "ada", halt="halt-1"))
    for id, what in (("a1", APPROVE), ("q2", REQUEST)):
        with pytest.raises(InvariantError, match="the database refuses"):
            states.record(*key, told(id, what, HALT, HALT, "ada", halt="halt-1"))
    with pytest.raises(InvariantError, match="the database refuses"):
        states.record(*key, told("x1", REFUSED, HALT, HALT, "ada"))
    assert states.tellings(*key) == (HALT, HALT)
    assert len(states.history(*key)) == 3


def test_a_live_halt_is_not_lifted_by_a_rule(empty: Engine) -> None:
    upgrade(empty)
    key = PortfolioKey("live-a", "main")
    with unit_of_work(empty) as session:
        open_portfolio(session, key, "USD", NOW)
    states = TradingStates(empty, Noon())
    assert states.open(*key, HALTED, "opening") == Vigil(Latch(HALTED, 1, ("opening",)))
    with pytest.raises(InvariantError, match="only people lift"):
        states.record(*key, told("l1", LIFTED, HALT, Standing(ACTIVE, 2)))


def test_a_replay_lifts_its_halts_by_rule(states: TradingStates, key: PortfolioKey) -> None:
    states.record(*key, TRIP)
    lifted = states.record(*key, told("l1", LIFTED, HALT, Standing(ACTIVE, 2)))
    assert lifted == Recorded(Standing(ACTIVE, 2))


def test_a_row_changed_by_hand_no_longer_agrees_with_the_audit_log(
    states: TradingStates, engine: Engine, key: PortfolioKey
) -> None:
    states.record(*key, TRIP)
    with unit_of_work(engine, key) as session:
        Halts(session, key).change(Standing(ACTIVE, 2), "trust me", "mallory", NOW)
    assert states.tellings(*key) == (Standing(ACTIVE, 2), HALT)
    with reading(engine) as session:
        assert Audit(session).last_state(*key) == HALT


def test_an_event_is_never_changed(states: TradingStates, engine: Engine, key: PortfolioKey) -> None:
    statement = text("UPDATE halt_events SET reason = 'x' WHERE portfolio = :portfolio")
    with pytest.raises(InvariantError, match="never changed"), unit_of_work(engine) as session:
        session.execute(statement, {"portfolio": key.portfolio})


def test_a_guard_that_begins_anew_knows_the_last_mark(
    states: TradingStates, engine: Engine, key: PortfolioKey
) -> None:
    states.record(*key, TRIP)
    figures = {"equity": 80, "units": 100, "cash": 1, "exposure": 79, "positions": 1, "flow": 0, "peak": 100}
    figures |= {"lifetime_peak": 110, "tier": 3, "triggers": 0, "halt_epoch": 1}
    with unit_of_work(engine, key) as session:
        session.add(Mark(**key._asdict(), **figures, asof=NOW, state=HALTED, halt="halt-1", at=NOW))
    hour = TradingHour.at(NOW).number
    halted = Vigil(Latch(HALTED, 1, ("drawdown",)), hour, 80, 100, 100, 110, 3, hour)
    assert states.open(*key, ACTIVE, "again") == halted
    states.record(*key, told("l1", LIFTED, HALT, Standing(ACTIVE, 2)))
    lifted = Vigil(Latch(ACTIVE, 2), hour, 80, 100, 80, 110, 0, hour, rebases=True)
    assert states.open(*key, ACTIVE, "again") == lifted
