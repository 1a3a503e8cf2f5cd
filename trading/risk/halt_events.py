"""What can befall the trading state, in words for records, and how it is told to whoever keeps them."""

from typing import NamedTuple

from trading.risk.trading_state import APPROVE, REQUEST, Standing

OPENED = "opened"
TRIPPED = "tripped"
TAKEN = "taken over"
"""A trip that somebody else wrote while the guard was away."""
CAUTIOUS = "cautious"
CLEARED = "cleared"
REFUSED = "refused"
RESUMED = "resumed"
LIFTED = "lifted"
"""By the rule of a replay, without a person."""
WHAT = (OPENED, TRIPPED, TAKEN, CAUTIOUS, CLEARED, REQUEST, APPROVE, REFUSED, RESUMED, LIFTED)
LOOSENS = (CLEARED, RESUMED, LIFTED)
"""Each only from the standing that its teller knows."""


class Told(NamedTuple):
    """An event to be recorded."""

    id: str
    """Of the teller's making; told again under it, the event is the same one."""
    what: str
    operator: str
    """A person, or the part of the system that did it."""
    reason: str
    known: Standing
    """What held as far as the teller knows."""
    wanted: Standing
    """What is to hold. A trip gets a higher epoch where this one was given away already."""
    halt: str = ""
    """Names the halt that it concerns; empty for the one that stands afterwards."""
    refusal: str = ""
    """Why it does not count; empty where it does."""
    flattening: bool = False
    """Of a trip: everything held is sold too."""
    hour: int | None = None
    """The last hour whose mark the guard had answered when it came to pass; None where it was not asked."""


class Recorded(NamedTuple):
    """What holds after an event."""

    standing: Standing
    objection: str = ""
    """Why nothing was recorded: the row is not what the teller knows."""
