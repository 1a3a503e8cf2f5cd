"""What happens to accounts, in the audit trail of the track that is newest."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.audit import Audit, Kind
from adapters.storage.portfolios import Track
from trading.config import canonical_json
from trading.errors import UsageError


def record(session: Session, event: str, facts: dict[str, str]) -> None:
    """Append one event inside the caller's transaction; a `UsageError` before there is a track."""
    newest = select(Track.track).order_by(Track.opened.desc(), Track.track.desc()).limit(1)
    track = session.scalar(newest)
    if track is None:
        raise UsageError("there is no track yet, so nothing could be written down; `ballast up` opens one")
    body = canonical_json({"event": event, **facts})
    Audit(session).append(track, Kind.ACCOUNT, "", body)
