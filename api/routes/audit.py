"""The audit trail: its entries, where it stands, and how far it is proved."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import or_, select

from adapters.audit import Audit, Kind
from adapters.audit.checkpoints import is_signed
from adapters.storage.audit import AuditRow
from api.answers import Remembered
from api.problems import REFUSALS, Refused
from api.reads.chain import Chains
from api.scope import Scope, Scoped
from api.wire import Answer, BeforeQuery, LimitQuery, Page, cursor, place

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/audit", tags=["audit"], responses=REFUSALS, route_class=Remembered
)
proving = APIRouter(prefix="/api/portfolios/{portfolio}/audit", tags=["audit"], responses=REFUSALS)
"""Its answers go further each time, so none is remembered."""


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


class Verification(Answer):
    """How far the audit trail is proved, by whom, against what."""

    track: str
    entries: int
    proved: int
    """The digests of all entries up to here were computed again and follow from each other."""
    fault: str
    """The first entry that is not as it was written; empty without."""
    attested: int
    """Up to here by the newest signed checkpoint in the trail; 0 without one."""
    attested_at: str
    signed: bool
    """Whether that signature is good for what it says, by the key that it names."""


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


@proving.get("/verification", summary="How far the audit trail is proved; ask again to go further")
def verification(scope: Scoped, request: Request) -> Verification:
    chains: Chains = request.app.state.chains
    proved = chains.further(scope.session, scope.key.track)
    body = _checkpoint(scope)
    told = json.loads(body) if body else {}
    return Verification(
        track=scope.key.track,
        entries=Audit(scope.session).head(scope.key.track).seq,
        proved=proved.seq,
        fault=proved.fault,
        attested=told.get("seq", 0),
        attested_at=told.get("at", ""),
        signed=bool(body) and is_signed(body),
    )


def _checkpoint(scope: Scope) -> bytes:
    """The newest checkpoint in the trail; empty without one."""
    query = select(AuditRow.body).where(AuditRow.track == scope.key.track, AuditRow.kind == Kind.CHECKPOINT)
    return scope.session.scalar(query.order_by(AuditRow.seq.desc()).limit(1)) or b""
