"""What an operator looks after: reconciliation, findings, alerts, proofs."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import func, or_, select

from adapters.storage.outbox import Alert as AlertRow
from adapters.storage.outbox import Delivery
from adapters.storage.reconciliations import BalanceRow, Reconciliation, Reconciliations
from adapters.storage.states import Proof as ProofRow
from api.answers import Remembered
from api.problems import REFUSALS
from api.scope import Scoped
from api.wire import Answer, LimitQuery, Money, decimal_text
from config.instruments import grid_for
from trading.instruments import amount

router = APIRouter(
    prefix="/api/portfolios/{portfolio}", tags=["operations"], responses=REFUSALS, route_class=Remembered
)

BROKEN_SHOWN = 10


class Balance(Answer):
    """One asset, by the venue and by our journal."""

    asset: str
    held: Money
    booked: Money
    unexplained: Money


class Found(Answer):
    """Something at the venue that is not ours; entries in its instrument wait for a person."""

    id: UUID
    what: str
    instrument: str
    reference: str
    note: str


class Reconciled(Answer):
    """The last comparison with the venue."""

    at: datetime | None
    comparisons: int
    balances: list[Balance]
    findings: list[Found]
    explained: bool


class Alert(Answer):
    """Something that a person should know."""

    alert: str
    kind: str
    portfolio: str
    message: str
    at: datetime
    delivered: list[str]


class ProofOf(Answer):
    """Whether another process came to the same decision and state."""

    asof: datetime
    held: bool
    note: str


class Proofs(Answer):
    """Live against backtest: how many hours came to the same bytes when they were computed again."""

    hours: int
    held: int
    first: datetime | None
    last: datetime | None
    broken: list[ProofOf]
    """The newest that did not hold."""


@router.get("/reconciliation", summary="The last comparison with the venue, and what nobody has explained")
def reconciliation(scope: Scoped) -> Reconciled:
    session, key = scope.session, scope.key
    mine = (Reconciliation.track == key.track, Reconciliation.portfolio == key.portfolio)
    at, comparisons = session.execute(
        select(func.max(Reconciliation.at), func.count()).where(*mine).select_from(Reconciliation)
    ).one()
    rows = select(BalanceRow).where(
        BalanceRow.track == key.track, BalanceRow.portfolio == key.portfolio, BalanceRow.at == at
    )
    balances = [_balance(row) for row in session.scalars(rows.order_by(BalanceRow.asset))] if at else []
    findings = [
        Found(id=f.id, what=str(f.what), instrument=f.instrument, reference=f.reference, note=f.note)
        for f in Reconciliations(session, key).unreviewed()
    ]
    explained = not findings and all(balance.unexplained == "0" for balance in balances)
    return Reconciled(
        at=at, comparisons=comparisons, balances=balances, findings=findings, explained=explained
    )


@router.get("/alerts", summary="Alerts of the track and of this portfolio, newest first")
def alerts(scope: Scoped, limit: LimitQuery = 100) -> list[Alert]:
    session, key = scope.session, scope.key
    theirs = or_(AlertRow.portfolio == key.portfolio, AlertRow.portfolio == "")
    query = select(AlertRow).where(AlertRow.track == key.track, theirs)
    rows = session.scalars(query.order_by(AlertRow.at.desc(), AlertRow.alert).limit(limit)).all()
    sent: dict[str, list[str]] = {row.alert: [] for row in rows}
    deliveries = select(Delivery).where(Delivery.track == key.track, Delivery.alert.in_(sent))
    for delivery in session.scalars(deliveries.order_by(Delivery.channel)):
        sent[delivery.alert].append(delivery.channel)
    return [
        Alert(
            alert=row.alert,
            kind=row.kind,
            portfolio=row.portfolio,
            message=row.message,
            at=row.at,
            delivered=sent[row.alert],
        )
        for row in rows
    ]


@router.get("/proofs", summary="Hours whose proof did not hold, and how many held")
def proofs(scope: Scoped, limit: LimitQuery = 100) -> list[ProofOf]:
    key = scope.key
    query = select(ProofRow).where(ProofRow.track == key.track, ProofRow.portfolio == key.portfolio)
    rows = scope.session.scalars(query.order_by(ProofRow.asof.desc()).limit(limit))
    return [ProofOf(asof=row.asof, held=row.held, note=row.note) for row in rows]


@router.get("/proofs/summary", summary="Live against backtest, all hours together")
def proofs_together(scope: Scoped) -> Proofs:
    key = scope.key
    mine = (ProofRow.track == key.track, ProofRow.portfolio == key.portfolio)
    broken = (*mine, ~ProofRow.held)
    hours, first, last = scope.session.execute(
        select(func.count(), func.min(ProofRow.asof), func.max(ProofRow.asof))
        .where(*mine)
        .select_from(ProofRow)
    ).one()
    failed = scope.session.scalar(select(func.count()).select_from(ProofRow).where(*broken)) or 0
    rows = scope.session.scalars(
        select(ProofRow).where(*broken).order_by(ProofRow.asof.desc()).limit(BROKEN_SHOWN)
    )
    shown = [ProofOf(asof=row.asof, held=False, note=row.note) for row in rows]
    return Proofs(hours=hours, held=hours - failed, first=first, last=last, broken=shown)


def _balance(row: BalanceRow) -> Balance:
    if row.asset in ("USD", "USDT", "EUR"):
        shown = [amount(units) for units in (row.held, row.booked, row.held - row.booked)]
    else:
        grid = grid_for(f"{row.asset}/USD")
        shown = [grid.quantity(lots) for lots in (row.held, row.booked, row.held - row.booked)]
    held, booked, unexplained = map(decimal_text, shown)
    return Balance(asset=row.asset, held=held, booked=booked, unexplained=unexplained)
