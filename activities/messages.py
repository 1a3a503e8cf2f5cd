"""What passes between workflows and activities: one frozen message in, one out, references instead of data.

Frames, models, replies and decisions lie in stores; a message names them by content hash or by key. Money is
in 1e-8 of the quote currency, lots and ticks are the venue's, times are aware and UTC. A number that is not
finite is refused when a message is made, since JSON has no word for it.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trading.config import KillSwitch, Limits
from trading.risk.vigil import Rules

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal: the name of an object in the object store."""
TradingState = Annotated[str, Field(pattern=r"^(ACTIVE|REDUCING|HALTED)$")]


Lateness = Annotated[str, Field(pattern=r"^(none|late|over)$")]
"""How late an hour began: in time, too late for entries, or after its end."""


class Message(BaseModel):
    """Immutable, complete, and without fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HourIn(Message):
    """One trading hour of one track; its asof comes from the schedule, never from a clock."""

    track: str
    asof: AwareDatetime


class LaunchIn(Message):
    """Start an hour: the one that the schedule meant, or the one named."""

    track: str
    asof: AwareDatetime | None = None


class HourOut(Message):
    """How the hour of a track ended."""

    asof: AwareDatetime
    outcome: str
    """DONE, REPEATED (it was done before) or FAILED."""
    portfolios: int
    settled: int
    reason: str = ""


class Fetched(Message):
    """The bars that a decision at asof may see."""

    window: Digest
    lateness: Lateness


class FeaturesIn(HourIn):
    """Derive features and market state from a window."""

    window: Digest
    lateness: Lateness


class FeaturesOut(Message):
    features: Digest


class PredictIn(HourIn):
    """Ask the release, or a policy, what it makes of the features."""

    window: Digest
    features: Digest
    lateness: Lateness


class Predicted(Message):
    """Everything that decisions at asof may see, the same for every portfolio."""

    view: Digest
    release: str


class Roll(Message):
    """The portfolios of an hour, in a stored list; with an outcome the hour is over already."""

    portfolios: Digest
    count: int
    outcome: str = ""


class ShardIn(HourIn):
    """A part of the roll: portfolios `first` to `first + count - 1`, or `only` one of them by name."""

    portfolios: Digest
    first: int
    count: int
    view: Digest
    only: str = ""


class ShardOut(Message):
    portfolios: int


class Trouble(Message):
    """What kept one portfolio from going the common way; the others of its batch go on."""

    portfolio: str
    reason: str


class BatchOut(Message):
    """A batch is done; whoever was in trouble is named."""

    trouble: tuple[Trouble, ...] = ()


class Plan(Message):
    """One portfolio with orders to place, by instrument."""

    portfolio: str
    instruments: tuple[str, ...]


class Decided(Message):
    """What the decisions of a batch lead to; portfolios that are not named are idle."""

    plans: tuple[Plan, ...] = ()
    trouble: tuple[Trouble, ...] = ()
    exposed: bool = False
    """An idle portfolio is not settled yet: stops rest at its venue, and its hour ends with the bar."""


class CloseIn(ShardIn):
    """Settle and prove what is idle: the shard without those named."""

    without: tuple[str, ...] = ()


class PortfolioHourIn(HourIn):
    """One portfolio with orders, or in trouble."""

    portfolio: str
    view: Digest
    is_decided: bool
    instruments: tuple[str, ...] = ()
    """With orders to place."""
    trouble: str = ""


class PortfolioHourOut(Message):
    portfolio: str
    outcome: str
    """A word of `trading.codes.OUTCOMES`."""
    reason: str = ""


class OrderIn(HourIn):
    """One approved intent, which its stored approval tells."""

    portfolio: str
    instrument: str
    view: Digest


class OrderStep(Message):
    """Where an intent stands: through, or nothing is to be done before `until` or a change of `order`."""

    until: AwareDatetime | None = None
    order: str = ""
    """Our id of the order that is waited for."""
    note: str = ""


class AttachIn(Message):
    """A workflow that was started before, to be waited for."""

    id: str


class Attached(Message):
    succeeded: bool


class WaitIn(HourIn):
    """Wait for venue time `until`, or for a change of an order."""

    portfolio: str = ""
    order: str = ""
    until: AwareDatetime


class CloseHourIn(HourIn):
    """Close the hour of a track over all portfolios of the roll."""

    portfolios: Digest
    lateness: Lateness


class ProveOut(Message):
    """An hour's proofs are kept; whoever's failed is named, and halted."""

    portfolios: int
    trouble: tuple[Trouble, ...] = ()


class Telling(Message):
    """What the row or the audit log says of a portfolio's trading state."""

    state: TradingState
    epoch: int


class Tellings(Message):
    """Both, from one view; None for what is missing."""

    row: Telling | None
    audit: Telling | None
    flattening: bool = False
    """The row's halt sells what is held."""


class GuardRules(Message):
    """What the guard of a portfolio holds marks against."""

    drawdown_small_pct: int
    drawdown_large_pct: int
    drawdown_halt_pct: int
    drawdown_hysteresis_pct: int
    clear_h: int
    clear_volatility_h: int

    @classmethod
    def of(cls, limits: Limits, kill_switch: KillSwitch) -> "GuardRules":
        values = limits._asdict() | kill_switch._asdict()
        return cls(**{name: values[name] for name in cls.model_fields})

    def plain(self) -> Rules:
        """As the pure functions take them; what a guard does not read is zero."""
        values = self.model_dump()
        limits = {name: values.get(name, 0) for name in Limits._fields}
        switch = {name: values.get(name, 0) for name in KillSwitch._fields}
        return Rules(Limits(**limits), KillSwitch(**switch))


class MarkIn(Message):
    """What an hour's mark tells the guard of one portfolio; the update's id is `g-<asof>`."""

    portfolio: str
    asof: AwareDatetime
    equity: int
    """After the flows, 1e-8 quote."""
    flows: int
    """Deposits less withdrawals since the last mark, 1e-8 quote."""
    triggers: tuple[str, ...] = ()
    """Words of the kill-switch triggers that fired."""
    trips: tuple[str, ...] = ()
    """What latches a halt at once: a mismatch, a failed proof, an unknown order."""
    review_after_h: int = 0
    """Hours after which a replay lifts its halts by itself; 0, and always in live, only people do."""
    seen: Tellings | None = None
    """Row and audit log as a batch read them; without it the guard looks for itself, by an activity."""
    rules: GuardRules | None = None
    """As they are configured now; without them the guard goes by those that it has."""
    approvals_required: int = 0
    """As configured now; 0: as it was."""


class GuardOut(Message):
    """The trading state that holds after a mark."""

    state: TradingState
    epoch: int
    """Raised by every trip and every resume."""
    tier: int
    """Of the risk drawdown: 0 none, 1 and 2 smaller, 3 halt."""
    halt_id: str = ""
    """Names the halt that stands; empty without one."""
    reasons: tuple[str, ...] = ()
    """Causes of the halt, and triggers that still want clean hours."""
    peak: int = 0
    """Of equity since the last approved re-base, which a resume moves; drives the tiers."""
    lifetime_peak: int = 0


def hour_text(asof: datetime) -> str:
    """An hour as ids and rows write it: 2026-11-22T12:00Z."""
    return asof.strftime("%Y-%m-%dT%H:%MZ")


class ReconcileIn(Message):
    """Compare one portfolio with its venue now."""

    track: str
    portfolio: str


class ReconcileOut(Message):
    portfolio: str
    unexplained: tuple[str, ...] = ()
    """Assets whose balances nobody can explain: they keep entries out."""
    findings: int = 0


class BackfillIn(Message):
    """Bring in the hours of asof `first` to `last` from the venue's single trades."""

    track: str
    venue: str
    instruments: tuple[str, ...]
    first: AwareDatetime
    last: AwareDatetime


class BackfillPiece(Message):
    """One instrument's month."""

    instrument: str
    first: AwareDatetime
    last: AwareDatetime


class BackfillOut(Message):
    added: int


class CutIn(Message):
    """Cut a walk-forward, stored as an object, into pieces."""

    walk: Digest


class CutOut(Message):
    pieces: Digest
    folds: int
    months: int


class PieceIn(Message):
    pieces: Digest
    index: int


class PieceOut(Message):
    model: str
    month: int
    trained: bool


class TrainOut(Message):
    pieces: int
    trained: int


class PromoteIn(Message):
    """A release that is to become champion of a mode once a person approves."""

    which: str
    mode: str
    action: Literal["promote", "rollback"] = "promote"
    """A rollback gives the place back to the champion before this one."""


class Approval(Message):
    """A person's word."""

    who: str
    why: str
    approved: bool = True


class Promotion(PromoteIn):
    """An approved promotion."""

    who: str
    why: str


class PromoteOut(Message):
    which: str
    refusal: str = ""
    """Why the release is not champion; empty if it is."""
