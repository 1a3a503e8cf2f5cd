"""The hours of a track: what it runs with, what each stage left behind, and how each hour ended.

The row in `hours`, and not the engine's "already started", says that an hour is done: the engine forgets at
retention, and a workflow that was cut off was started too.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from adapters.storage.base import WITNESS, Base, Digest, Owned, one_of, refers, sha256_in
from trading.codes import OUTCOMES

STAGES = ("fetch", "features", "predict", "roll")
OBSERVED = ("listing", "fees", "conditions")
DONE, FAILED = "DONE", "FAILED"
ENDS = (DONE, FAILED)


class OfTrack(MappedAsDataclass, kw_only=True):
    """A row of a track as a whole."""

    track: Mapped[str] = mapped_column(ForeignKey("tracks.track"), primary_key=True, sort_order=-1)


class TrackTerms(OfTrack, Base):
    """What a track runs with, fixed when it was opened: mode, data, seed, venue, span."""

    __tablename__ = "track_terms"

    digest: Mapped[Digest]
    """SHA-256 of the document."""
    document: Mapped[str]
    """Canonical JSON."""

    __table_args__ = (sha256_in("digest"),)


class Mandate(Owned, Base):
    """What drives a portfolio from an asof on, and the rules that it is under."""

    __tablename__ = "mandates"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    """Of the first decision under it."""
    predictor: Mapped[str]
    """A release, or a policy of `trading.policies.benchmarks`."""
    digest: Mapped[Digest]
    """SHA-256 of the document."""
    document: Mapped[str]
    """Canonical JSON of the whole configuration."""

    __table_args__ = (refers("portfolios"), sha256_in("digest"))


class Stage(OfTrack, Base):
    """What one stage of the market's work left in the object store."""

    __tablename__ = "stages"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[Digest]
    """Name of the object."""
    summary: Mapped[str]
    """Canonical JSON of what people want to see of it: release, hashes, counts."""
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (one_of("stage", STAGES), sha256_in("reference"))


class Observation(OfTrack, Base):
    """What was observed of a venue beside its bars, in the object store; hours from `asof` on go by it."""

    __tablename__ = "observations"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[Digest]
    """Name of the object."""
    summary: Mapped[str]
    """Canonical JSON of what people want to see of it."""
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (one_of("what", OBSERVED), sha256_in("reference"))


class Hour(OfTrack, Base):
    """One hour of a track is over."""

    __tablename__ = "hours"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    reason: Mapped[str]
    portfolios: Mapped[int]
    settled: Mapped[int]
    """Portfolios whose hour has a settled state; the others were skipped."""
    ended: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (one_of("outcome", ENDS), CheckConstraint("settled <= portfolios", name="settled"))


class PortfolioHour(Owned, Base):
    """One hour of one portfolio is over: settled, or skipped with a reason."""

    __tablename__ = "portfolio_hours"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    """A word of `trading.codes.OUTCOMES`."""
    reason: Mapped[str]
    fills: Mapped[int]
    """How many fills were folded into its state."""
    settled: Mapped[bool]
    """False: skipped, and the next hour goes on from an older state."""
    ended: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (refers("portfolios"), one_of("outcome", OUTCOMES))
