"""Tracks and the portfolios on them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.storage.base import WITNESS, Base, PortfolioKey, one_of, store_once

MODES = ("backtest", "replay", "paper", "live")


class Track(Base):
    """One continuous trading record. A database holds the tracks of one mode only, by trigger."""

    __tablename__ = "tracks"

    track: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    """What the track's name begins with."""
    opened: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (
        one_of("mode", MODES),
        CheckConstraint("substr(track, 1, length(mode) + 1) = mode || '-'", name="name"),
    )


class Portfolio(Base):
    """One account with its own capital, limits, journal and halt. Its row is the lock of its writers."""

    __tablename__ = "portfolios"

    track: Mapped[str] = mapped_column(ForeignKey("tracks.track"), primary_key=True)
    portfolio: Mapped[str] = mapped_column(primary_key=True)
    quote: Mapped[str]
    """The currency its money is counted in."""
    opened: Mapped[datetime] = mapped_column(info=WITNESS)


def open_portfolio(session: Session, key: PortfolioKey, quote: str, now: datetime) -> bool:
    """Store a portfolio, and its track if it is the first there; False when it stands already.

    An `InvariantError` when it stands with another currency. The mode is what the track's name begins with.
    """
    store_once(session, Track(track=key.track, mode=key.track.split("-")[0], opened=now))
    _, new = store_once(session, Portfolio(track=key.track, portfolio=key.portfolio, quote=quote, opened=now))
    return new
