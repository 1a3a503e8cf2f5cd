"""Alerts that must go out, once each: written in the transaction of what they tell, delivered afterwards."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.storage.base import WITNESS, Base, store_once
from adapters.storage.hours import OfTrack


class Alert(OfTrack, Base):
    """Something that a person should know."""

    __tablename__ = "alerts"

    alert: Mapped[str] = mapped_column(primary_key=True)
    """Follows from what happened, such as `late-hour/2026-11-22T12:00Z`: told again, it is the same alert."""
    kind: Mapped[str]
    portfolio: Mapped[str]
    """Empty for the track as a whole."""
    message: Mapped[str]
    at: Mapped[datetime] = mapped_column(info=WITNESS)


class Delivery(OfTrack, Base):
    """An alert has left by a channel."""

    __tablename__ = "alert_deliveries"

    alert: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (ForeignKeyConstraint(["track", "alert"], ["alerts.track", "alerts.alert"]),)


def post(
    session: Session, track: str, alert: str, kind: str, portfolio: str, message: str, now: datetime
) -> None:
    """Put an alert into the outbox, in the transaction of what it tells; once, however often it is told."""
    said = {"kind": kind, "portfolio": portfolio, "message": message}
    store_once(session, Alert(track=track, alert=alert, **said, at=now))
