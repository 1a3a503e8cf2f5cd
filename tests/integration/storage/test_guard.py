"""Whether an entry may leave: every telling of the trading state, what is unknown, what is unexplained."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from adapters.audit.chain import Kind
from adapters.audit.log import Audit
from adapters.execution import Hands, drive
from adapters.guard import Book, LiveGuard
from adapters.storage.decisions import Decisions
from adapters.storage.engine import connect, unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.order_book import DurableOrders, OrderBook
from adapters.storage.reconciliations import Reconciliations
from config.instruments import grid_for
from tests.make_believe import ASOF, LIMIT, LOTS, PAIR, MakeBelieve, entry
from tests.stored import approval_of, decision_of, opened
from trading.config import canonical_json
from trading.execution import protocol
from trading.execution.entering import Clear, Entry, MayLeave, enter
from trading.execution.findings import Finding, Strange
from trading.execution.orders import Event, State, What
from trading.execution.protocol import Holding, Instruction
from trading.instruments import UNITS
from trading.risk.trading_state import ACTIVE, HALTED, REDUCING, Standing

BTC = grid_for(PAIR)
MAY = Standing(ACTIVE, 1)
HALTS = [Standing(HALTED, 1), Standing(REDUCING, 1), Standing(HALTED, 2), Standing(ACTIVE, 2)]
"""Tellings under which nothing that was decided under epoch 1 may leave."""


class Account(MakeBelieve):
    """The venue, with ten thousand dollars, three of them held."""

    def balances(self) -> dict[str, Holding]:
        return {"USD": Holding(10_000 * UNITS, 9_997 * UNITS)} | super().balances()


class Desk:
    """A portfolio that may enter under epoch 1, and whatever a test does to it."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.key = engine, opened(engine)
        self.workflow: Standing | None = MAY
        self.venue = Account()
        book = Book("USD", {PAIR: BTC}, {PAIR: 80_000})
        self.guard = LiveGuard(engine, self.key, self.venue, lambda: self.workflow, book)
        approvals = [approval_of(self.key, LOTS, asof=ASOF, limit=LIMIT)]
        with unit_of_work(engine, self.key) as session:
            Decisions(session, self.key).store(decision_of(self.key, asof=ASOF), approvals)
        self.compare({})
        self.row(MAY)
        self.audit(MAY)

    def row(self, standing: Standing) -> None:
        with unit_of_work(self.engine, self.key) as session:
            Halts(session, self.key).change(standing, "test", "test", ASOF)

    def audit(self, standing: Standing) -> None:
        with unit_of_work(self.engine, self.key) as session:
            body = canonical_json(standing._asdict())
            Audit(session).append(self.key.track, Kind.HALT_STATE, self.key.portfolio, body)

    def compare(self, held: dict[str, int]) -> None:
        with unit_of_work(self.engine, self.key) as session:
            seconds = timedelta(seconds=len(held))
            Reconciliations(session, self.key).store(ASOF + seconds, held, {})

    def stored(self) -> Instruction:
        """An entry whose fate is open."""
        sent = Instruction(uuid4(), PAIR, protocol.Kind.LIMIT, LOTS, LIMIT)
        with unit_of_work(self.engine, self.key) as session:
            event = Event(What.SENT, ASOF, deadline=ASOF + timedelta(seconds=10))
            OrderBook(session, self.key).open(ASOF, sent, event)
        return sent

    def refusal(self) -> str:
        """The guard's word before and after an order is stored, which is the same."""
        before = self.guard.clear(Clear(PAIR, 1)).refusal
        assert self.guard.objection(MayLeave(uuid4(), PAIR, 1)) == before
        return before


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def test_an_entry_leaves_with_the_capital_that_the_venue_shows(desk: Desk) -> None:
    desk.venue.coins = 2 * BTC.lots_per_unit
    clearance = desk.guard.clear(Clear(PAIR, 1))
    assert clearance == ("", 9_997 * UNITS, (10_000 + 2 * 8_000) * UNITS, 10_000)
    assert desk.refusal() == ""


@pytest.mark.parametrize("standing", [None, *HALTS])
def test_the_workflow_alone_keeps_entries_out(desk: Desk, standing: Standing | None) -> None:
    desk.workflow = standing
    assert "workflow" in desk.refusal()


@pytest.mark.parametrize("standing", HALTS)
def test_the_row_alone_keeps_entries_out(desk: Desk, standing: Standing) -> None:
    desk.row(standing)
    assert "row" in desk.refusal()


@pytest.mark.parametrize("standing", HALTS)
def test_the_last_audit_entry_alone_keeps_entries_out(desk: Desk, standing: Standing) -> None:
    desk.audit(standing)
    assert "audit" in desk.refusal()


def test_a_portfolio_that_was_never_spoken_of_does_not_enter(desk: Desk) -> None:
    desk.key = opened(desk.engine)
    desk.guard = LiveGuard(desk.engine, desk.key, desk.venue, lambda: MAY, Book("USD", {}, {}))
    assert "HALTED by the row" in desk.refusal()
    desk.row(MAY)
    assert "audit is missing" in desk.refusal()
    desk.audit(MAY)
    assert "never compared" in desk.refusal()


def test_without_the_database_nothing_enters(desk: Desk) -> None:
    gone = connect("sqlite:////nowhere/at/all.db")
    guard = LiveGuard(gone, desk.key, desk.venue, lambda: MAY, Book("USD", {}, {}))
    assert "cannot be read" in guard.clear(Clear(PAIR, 1)).refusal


def test_an_audit_entry_that_was_changed_by_hand_tells_nothing(desk: Desk) -> None:
    forge = "UPDATE audit_entries SET digest = :zeros WHERE portfolio = :portfolio"
    free = ("DROP TRIGGER audit_entries_no_update", "SELECT 1")
    if desk.engine.dialect.name != "sqlite":
        free = tuple(f"ALTER TABLE audit_entries {word} TRIGGER USER" for word in ("DISABLE", "ENABLE"))
    with desk.engine.begin() as connection:
        connection.execute(text(free[0]))
        connection.execute(text(forge), {"zeros": "0" * 64, "portfolio": desk.key.portfolio})
        connection.execute(text(free[1]))
    assert "audit is missing" in desk.refusal()


def test_what_nobody_can_explain_keeps_entries_out(desk: Desk) -> None:
    desk.compare({"BTC": 1})
    assert "BTC" in desk.refusal()
    desk.compare({"BTC": 0, "USD": 0})
    assert desk.refusal() == ""


def test_a_finding_keeps_entries_out_of_its_instrument_until_somebody_has_looked(desk: Desk) -> None:
    found = Finding(uuid4(), Strange.FOREIGN_ORDER, PAIR, "O1", "")
    with unit_of_work(desk.engine, desk.key) as session:
        Reconciliations(session, desk.key).report(found, ASOF)
    assert "not by us" in desk.refusal()
    assert desk.guard.clear(Clear("ETH/USD", 1)).refusal == ""
    with unit_of_work(desk.engine, desk.key) as session:
        Reconciliations(session, desk.key).review(found.id, "anna", "mine", ASOF)
    assert desk.refusal() == ""


def test_an_entry_of_unknown_fate_freezes_its_instrument_but_for_itself(desk: Desk) -> None:
    sent = desk.stored()
    assert "not known" in desk.refusal()
    assert desk.guard.objection(MayLeave(sent.id, PAIR, 1)) == ""
    assert desk.guard.clear(Clear("ETH/USD", 1)).refusal == ""


class Tripping(DurableOrders):
    """A store during whose write of an order somebody trips the halt."""

    def __init__(self, desk: Desk, at: protocol.Kind) -> None:
        super().__init__(desk.engine, desk.key, ASOF)
        self._desk, self._at = desk, at

    def open(self, instruction: Instruction, event: Event) -> None:
        super().open(instruction, event)
        if instruction.kind is self._at:
            self._desk.row(Standing(HALTED, 2))


def wanted(desk: Desk) -> Entry:
    return entry(track=desk.key.track, intent=desk.key.portfolio, halt_epoch=1)


@pytest.mark.parametrize(("at", "sent"), [(protocol.Kind.LIMIT, 0), (protocol.Kind.MARKET, 1)])
def test_a_trip_while_an_order_is_stored_keeps_it_here(desk: Desk, at: protocol.Kind, sent: int) -> None:
    hands = Hands(desk.venue, Tripping(desk, at), desk.guard)
    orders = drive(enter(wanted(desk)), hands)
    assert (orders[-1].state, orders[-1].events) == (State.DENIED, 2)
    assert len(desk.venue.submitted) == sent
