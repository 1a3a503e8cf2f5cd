"""Everything that the hours of portfolios leave behind, read and written in batches.

A unit is one transaction over the portfolios of a batch; inside it each portfolio has a savepoint of its own,
so that what fails for one leaves no trace and the others go on.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from adapters.clock import Clock
from adapters.storage.base import PortfolioKey, Repository, alike, owned, store_once
from adapters.storage.decisions import Approval, Decisions, StoredDecision, approvals_of
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import Mandate, PortfolioHour
from adapters.storage.journal import EntryRow, PostingRow
from adapters.storage.order_book import TRADE
from adapters.storage.orders import FillRow, OrderRow
from adapters.storage.portfolios import Portfolio
from adapters.storage.reconciliations import BALANCES, COMPARED
from adapters.storage.states import FoldedFill, FoldedFlow, Mark, StateRow
from trading.clock import TradingHour
from trading.errors import InvariantError
from trading.execution.orders import State
from trading.execution.protocol import Kind, Trade
from trading.instruments import Instrument
from trading.ledger.entries import OPENING, REWARDS
from trading.ledger.posting import FLOWS
from trading.live.documents import digest_of, parse_state
from trading.live.flows import Flow
from trading.live.values import Approved, Booked, Guarded, Held, HourEnd, Standing, Ticket, Told
from trading.portfolio import Account, Decision
from trading.risk.approve import ApprovedOrder

MANDATE = (
    select(Mandate.predictor, Mandate.digest, Mandate.document)
    .where(*owned(Mandate), Mandate.asof <= bindparam("asof"))
    .order_by(Mandate.asof.desc())
    .limit(1)
)
STATE = (
    select(StateRow.asof, StateRow.document).where(*owned(StateRow)).order_by(StateRow.asof.desc()).limit(1)
)
SETTLED = select(func.max(StateRow.asof)).where(*owned(StateRow))
UNCLEAR = select(func.count()).where(
    *owned(OrderRow), OrderRow.state.in_([State.SENT, State.UNKNOWN]), OrderRow.asof < bindparam("asof")
)
UNFOLDED = (
    select(OrderRow.kind, OrderRow.number, OrderRow.asof, FillRow.trade_id, *TRADE)
    .join(OrderRow, and_(*alike(FillRow, OrderRow), FillRow.id == OrderRow.id))
    .outerjoin(FoldedFill, and_(*alike(FillRow, FoldedFill), FillRow.trade_id == FoldedFill.trade_id))
    .where(*owned(FillRow), FoldedFill.trade_id.is_(None))
    .order_by(FillRow.at, OrderRow.number, FillRow.trade_id)
)
UNFOLDED_FLOWS = (
    select(EntryRow.entry, PostingRow.asset, PostingRow.amount, PostingRow.account)
    .join(PostingRow, and_(*alike(EntryRow, PostingRow), EntryRow.entry == PostingRow.entry))
    .join(Portfolio, and_(Portfolio.track == EntryRow.track, Portfolio.portfolio == EntryRow.portfolio))
    .outerjoin(FoldedFlow, and_(*alike(EntryRow, FoldedFlow), EntryRow.entry == FoldedFlow.entry))
    .where(*owned(EntryRow), FoldedFlow.entry.is_(None), PostingRow.account.in_(FLOWS.values()))
    .where(
        or_(
            EntryRow.at > Portfolio.opened,
            and_(EntryRow.entry == OPENING, PostingRow.asset != Portfolio.quote),
        )
    )
    .order_by(EntryRow.at, EntryRow.entry, PostingRow.asset)
)


class PortfolioBooks(Repository):
    """One portfolio's hours inside a unit."""

    def __init__(self, session: Session, key: PortfolioKey, now: datetime | None = None) -> None:
        """`now` stamps what is stored; without it, to read."""
        super().__init__(session, key)
        self._stamp = now

    @property
    def _now(self) -> datetime:
        if self._stamp is None:
            raise InvariantError("books that were opened to be read store nothing")
        return self._stamp

    @property
    def _owner(self) -> dict[str, str]:
        return self._key._asdict()

    def ticket(self, hour: TradingHour) -> Ticket:
        """The mandate that holds at an hour; none is a `UsageError` of whoever asks."""
        row = self._session.execute(MANDATE, self._owner | {"asof": hour.asof}).one()
        return Ticket(*row)

    def standing(self, instruments: Sequence[str]) -> Standing:
        """The portfolio after its last settled hour."""
        asof, document = self._session.execute(STATE, self._owner).one()
        return Standing(TradingHour.at(asof).number, parse_state(document, instruments))

    def settled_hour(self) -> int:
        """asof of the last state, in hours since the epoch."""
        return TradingHour.at(self._session.execute(SETTLED, self._owner).scalar_one()).number

    def ended(self, hour: TradingHour) -> HourEnd | None:
        row = self._session.get(PortfolioHour, (*self._key, hour.asof))
        return HourEnd(row.outcome, row.reason, row.fills, row.settled) if row else None

    def held(self, hour: TradingHour, instruments: Sequence[Instrument]) -> Held | None:
        """What the last comparison since asof found at the venue; None before there was one."""
        at = self._session.scalar(COMPARED, self._owner)
        if at is None or at < hour.asof:
            return None
        rows = self._session.execute(BALANCES, self._owner | {"at": at})
        found = {row.asset: row.held for row in rows}
        cash = found.get(instruments[0].quote, 0)
        return Held(cash, {i.name: found[i.base] for i in instruments if i.base in found})

    def is_unclear(self, hour: TradingHour) -> bool:
        """What became of an order of an earlier hour is still not known."""
        return bool(self._session.scalar(UNCLEAR, self._owner | {"asof": hour.asof}))

    def unfolded(self) -> list[Booked]:
        """Fills that are part of no state yet, by time."""
        rows = self._session.execute(UNFOLDED, self._owner)
        return [Booked(Trade(*trade), Kind(kind), number, asof) for kind, number, asof, *trade in rows]

    def fold(self, hour: TradingHour, booked: Collection[Booked]) -> None:
        """Note that these fills are part of the state of `hour`."""
        for fill in booked:
            row = FoldedFill(**self._owner, trade_id=fill.trade.id, asof=hour.asof)
            store_once(self._session, row)

    def unfolded_flows(self) -> list[Flow]:
        """Deposits, withdrawals and rewards that are part of no state yet, by time.

        The money of the opening is part of the first state; coins that were there then are not.
        """
        rows = self._session.execute(UNFOLDED_FLOWS, self._owner)
        return [Flow(entry, asset, -amount, account == REWARDS) for entry, asset, amount, account in rows]

    def fold_flows(self, hour: TradingHour, flows: Collection[Flow]) -> None:
        """Note that these flows are part of the state of `hour`."""
        for entry in sorted({flow.entry for flow in flows}):
            store_once(self._session, FoldedFlow(**self._owner, entry=entry, asof=hour.asof))

    def keep_mark(self, hour: TradingHour, account: Account, flow: int, fired: int, said: Guarded) -> None:
        mark = Mark(
            **self._owner,
            asof=hour.asof,
            equity=account.equity,
            units=account.units,
            cash=account.cash,
            exposure=account.exposure,
            positions=account.positions,
            flow=flow,
            peak=account.peak,
            lifetime_peak=account.lifetime_peak,
            tier=account.tier,
            triggers=fired,
            state=said.state,
            halt_epoch=said.epoch,
            halt=said.halt,
            at=self._now,
        )
        store_once(self._session, mark)

    def guarded(self, hour: TradingHour) -> Guarded | None:
        """What the guard answered to the hour's mark; None before it was told."""
        row = self._session.get(Mark, (*self._key, hour.asof))
        return Guarded(row.state, row.halt_epoch, row.tier, row.halt) if row else None

    def keep_decision(
        self,
        hour: TradingHour,
        outcome: str,
        halt_epoch: int,
        document: str,
        instruments: Sequence[str],
        decision: Decision,
        orders: Sequence[ApprovedOrder],
    ) -> Told:
        """Store a decision with its approvals, unless there is one: the first stored wins for ever."""
        row = StoredDecision(
            **self._owner,
            asof=hour.asof,
            outcome=outcome,
            halt_epoch=halt_epoch,
            digest=digest_of(document),
            document=document,
            decided=self._now,
        )
        approvals = approvals_of(self._key, hour.asof, instruments, decision, orders)
        return self._told(Decisions(self._session, self._key).store(row, approvals))

    def decision(self, hour: TradingHour) -> Told | None:
        row = Decisions(self._session, self._key).at(hour.asof)
        return self._told(row) if row else None

    def settle(self, hour: TradingHour, document: str, end: HourEnd) -> str:
        """Store the state after the hour and that the hour is over; returns the state's digest."""
        digest = digest_of(document)
        store_once(self._session, StateRow(**self._owner, asof=hour.asof, digest=digest, document=document))
        self.end(hour, end)
        return digest

    def end(self, hour: TradingHour, end: HourEnd) -> None:
        told: dict[str, Any] = self._owner | end._asdict()
        store_once(self._session, PortfolioHour(**told, asof=hour.asof, ended=self._now))

    def _told(self, row: StoredDecision) -> Told:
        chosen = (*self._mine(Approval), Approval.asof == row.asof, Approval.lots != 0)
        approvals = self._session.scalars(select(Approval).where(*chosen).order_by(Approval.instrument))
        approved = {a.instrument: Approved(a.lots, a.limit, a.stop, a.take, a.trail) for a in approvals}
        return Told(row.outcome, row.halt_epoch, row.digest, row.document, approved)


class Unit:
    """A transaction over some portfolios of one track."""

    def __init__(self, session: Session, track: str, now: datetime) -> None:
        self._session, self._track, self._now = session, track, now

    @contextmanager
    def part(self, portfolio: str) -> Iterator[PortfolioBooks]:
        """One portfolio; an error inside undoes what was done for it, and for nobody else."""
        with self._session.begin_nested():
            yield PortfolioBooks(self._session, PortfolioKey(self._track, portfolio), self._now)


class HourBooks:
    """The portfolios of a database; `clock` is the venue's."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    @contextmanager
    def unit(self, track: str, portfolios: Sequence[str]) -> Iterator[Unit]:
        """One transaction that holds the portfolios' locks."""
        # A venue's clock may be a call away: asked before the database has to wait for it.
        now = self._clock.now()
        with unit_of_work(self._engine, *(PortfolioKey(track, name) for name in portfolios)) as session:
            yield Unit(session, track, now)

    @contextmanager
    def view(self, track: str, portfolio: str) -> Iterator[PortfolioBooks]:
        """One portfolio, to read."""
        with reading(self._engine) as session:
            yield PortfolioBooks(session, PortfolioKey(track, portfolio))
