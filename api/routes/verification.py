"""How far the audit trail is proved. Each answer goes further than the one before, so none is remembered."""

import json

from fastapi import APIRouter, Request
from sqlalchemy import select

from adapters.audit import Audit, Kind
from adapters.audit.checkpoints import is_signed
from adapters.storage.audit import AuditRow
from api.problems import REFUSALS
from api.reads.chain import Chains
from api.scope import Scope, Scoped
from api.wire import Answer

router = APIRouter(prefix="/api/portfolios/{portfolio}/audit", tags=["audit"], responses=REFUSALS)


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


@router.get("/verification", summary="How far the audit trail is proved; ask again to go further")
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
