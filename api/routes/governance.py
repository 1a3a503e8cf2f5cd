"""What was decided about the house itself: structure, configuration, releases, incidents."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import select

import adapters
from adapters.audit import Kind
from adapters.storage.audit import AuditRow
from api.access.guard import may
from api.access.principal import Principal
from api.access.roles import Action
from api.answers import Remembered
from api.problems import REFUSALS
from api.scope import Scoped
from api.wire import Answer, LimitQuery

router = APIRouter(tags=["governance"], responses=REFUSALS, route_class=Remembered)

Reader = Annotated[Principal, Depends(may(Action.READ))]
LOG = Path("docs/governance/LOG.md")
KINDS = (Kind.STRUCTURE, Kind.CONFIGURATION, Kind.PROMOTION, Kind.INCIDENT, Kind.RESTORE, Kind.KEY)
ENTRY = re.compile(r"^## (\d{4}-\d{2}-\d{2})\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Decided(Answer):
    """One entry of the audit trail about the house."""

    seq: int
    kind: str
    facts: dict[str, Any]


class Change(Answer):
    """One structural change, as the log of governance tells it."""

    date: str
    why: str
    changes: list[str]


@router.get(
    "/api/portfolios/{portfolio}/governance",
    summary="Structure, configuration, releases and incidents in the audit trail, newest first",
)
def decisions(scope: Scoped, limit: LimitQuery = 100) -> list[Decided]:
    query = select(AuditRow).where(AuditRow.track == scope.key.track, AuditRow.kind.in_(KINDS))
    rows = scope.session.scalars(query.order_by(AuditRow.seq.desc()).limit(limit))
    return [Decided(seq=row.seq, kind=row.kind, facts=_facts(row.body)) for row in rows]


@router.get("/api/governance", summary="Every structural change and why, newest first")
def changes(_reader: Reader) -> list[Change]:
    """Empty where the installation came without its documents."""
    file = Path(adapters.__path__[0]).parent / LOG
    return entries(file.read_text()) if file.exists() else []


def entries(text: str) -> list[Change]:
    """The entries of the log of governance, newest first."""
    found = []
    for date, body in ENTRY.findall(text):
        lines = [line for line in body.strip().splitlines() if line]
        said = [line for line in lines if not line.startswith("- ")]
        changed = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
        found.append(Change(date=date, why=" ".join(said), changes=changed))
    return found[::-1]


def _facts(body: bytes) -> dict[str, Any]:
    told = json.loads(body)
    return told if isinstance(told, dict) else {"said": told}
