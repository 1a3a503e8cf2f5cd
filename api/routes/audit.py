"""The audit trail: its entries, and where it stands."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import or_, select

from adapters.audit import Audit
from adapters.storage.audit import AuditRow
from api.answers import Remembered
from api.problems import REFUSALS, Refused
from api.scope import Scoped
from api.wire import Answer, BeforeQuery, LimitQuery, Page, cursor, place

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/audit", tags=["audit"], responses=REFUSALS, route_class=Remembered
)


class Entry(Answer):
    """One entry of the audit trail."""

    seq: int
    kind: str
    portfolio: str
    body: str
    digest: str


class Trail(Answer):
    """Where the audit trail stands."""

    track: str
    entries: int
    head: str


@router.get("", summary="The audit trail of the track, newest first")
def audit(
    scope: Scoped,
    kind: Annotated[str | None, Query(max_length=80)] = None,
    limit: LimitQuery = 100,
    before: BeforeQuery = None,
) -> Page[Entry]:
    mine = or_(AuditRow.portfolio == scope.key.portfolio, AuditRow.portfolio == "")
    query = select(AuditRow).where(AuditRow.track == scope.key.track, mine)
    if kind is not None:
        query = query.where(AuditRow.kind == kind)
    if before is not None:
        text = place(before, 1)[0]
        if not text.isdecimal() or len(text) > 18:
            raise Refused(400, "bad cursor", "send `next` of the part before, unchanged")
        query = query.where(AuditRow.seq < int(text))
    rows = scope.session.scalars(query.order_by(AuditRow.seq.desc()).limit(limit + 1)).all()
    entries = [
        Entry(
            seq=row.seq,
            kind=row.kind,
            portfolio=row.portfolio,
            body=row.body.decode("utf-8", "replace"),
            digest=row.digest,
        )
        for row in rows[:limit]
    ]
    return Page(items=entries, next=cursor(str(rows[limit - 1].seq)) if len(rows) > limit else None)


@router.get("/head", summary="Where the audit trail stands")
def head(scope: Scoped) -> Trail:
    last = Audit(scope.session).head(scope.key.track)
    return Trail(track=scope.key.track, entries=last.seq, head=last.digest)
