"""Messages of the halt workflow. A field that comes later has a default, so that old histories still read."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime

from activities.messages import GuardRules, Message, Telling, TradingState
from trading.risk.trading_state import Act
from trading.risk.vigil import Vigil


class HaltCarried(Message):
    """What continues as new: the state, and the answers that a repeated request must get again."""

    vigil: Vigil
    answers: Mapping[str, "ReviewOut"]
    cancels: int = 0
    """Trips since working entries were last seen to be over."""
    alerts: int = 0
    """Events since the outbox was last seen to be empty."""


class HaltStart(Message):
    """Begins the guard of one portfolio, or goes on with it."""

    track: str
    portfolio: str
    rules: GuardRules
    approvals_required: int
    """People who must approve a resume, beside the one who requests it."""
    carried: HaltCarried | None = None

    @property
    def is_live(self) -> bool:
        """Live portfolios begin halted, and every act of review carries a signature."""
        return self.track.startswith("live-")


class TripIn(Message):
    """Halt now."""

    cause: str
    operator: str
    """A person, or the part of the system that trips."""
    reason: str
    request_id: str = ""
    """Under which the trip was recorded already, by whoever could not wait for the engine."""


class ReviewIn(Message):
    """One person's act towards a resume."""

    halt_id: str
    operator: str
    role: str
    """request or approve."""
    reason: str
    signature: str = ""
    """Ed25519, 128 hexadecimal digits, of `trading.risk.trading_state.signed_bytes`; wanted in live."""

    @property
    def act(self) -> Act:
        return Act(self.halt_id, self.operator, self.role, self.reason)


class ReviewOut(Message):
    """What came of an act."""

    accepted: bool
    refusal: str
    state: TradingState
    epoch: int
    requester: str = ""
    approvers: tuple[str, ...] = ()
    approvals_required: int = 0


class HaltStatus(Message):
    """Where the guard of a portfolio stands; amounts in 1e-8 quote."""

    track: str
    portfolio: str
    state: TradingState
    epoch: int
    halt_id: str
    causes: tuple[str, ...]
    requester: str
    approvers: tuple[str, ...]
    approvals_required: int
    clear_h: dict[str, int]
    """Clean hours that triggers still need."""
    tier: int
    asof: AwareDatetime | None
    """Of the last mark; None before the first."""
    equity: int
    peak: int
    lifetime_peak: int
    entries_cancelled: bool
    """Every working entry was seen to be over since the last trip."""


class OpenIn(Message):
    track: str
    portfolio: str
    first: TradingState
    """Of a portfolio that has no row yet."""


class Opened(Message):
    vigil: Vigil


class OfPortfolio(Message):
    track: str
    portfolio: str


class RecordIn(Message):
    """An event of `trading.risk.halt_events.WHAT`, to be stored with all that goes with it."""

    track: str
    portfolio: str
    id: str
    what: str
    operator: str
    reason: str
    known: Telling
    wanted: Telling
    halt: str = ""
    refusal: str = ""
    flattening: bool = False
    """Of a trip: everything held is sold too."""
    hour: int | None = None
    """The last hour whose mark was answered before this."""


class RecordOut(Message):
    state: TradingState
    epoch: int
    objection: str = ""


class VerifyIn(Message):
    """Is this act signed by whom it names?"""

    track: str
    portfolio: str
    said: ReviewIn


class VerifyOut(Message):
    refusal: str = ""


def review_of(said: Any) -> ReviewIn:
    """An act as somebody typed it; what is missing or of another kind is empty, and refused for it."""
    told = said if isinstance(said, dict) else {}
    texts = {name: told.get(name) for name in ReviewIn.model_fields}
    return ReviewIn(**{name: text if isinstance(text, str) else "" for name, text in texts.items()})
