"""What the client raises: the errors of the core, with the fault behind them.

KrakenError
├── KrakenRefused          a VenueRefused: Kraken said no
├── KrakenUnavailable      a VenueUnavailable: nothing happened, or a read got no answer
└── KrakenOutcomeUnknown   an OutcomeUnknown: a write may have taken effect
"""

from adapters.kraken.faults import Fate, Fault
from trading.errors import OutcomeUnknown, VenueError, VenueRefused, VenueUnavailable


class KrakenError(VenueError):
    """What every error of this client carries: the fault behind it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


class KrakenRefused(KrakenError, VenueRefused):
    """Kraken refused for good."""


class KrakenUnavailable(KrakenError, VenueUnavailable):
    """Nothing happened, or nothing could have."""


class KrakenOutcomeUnknown(KrakenError, OutcomeUnknown):
    """A write may have taken effect."""


def error_for(fault: Fault, writes: bool) -> KrakenError:
    """The exception that a fault is, after a read or a write."""
    if fault.row.fate is Fate.REFUSED:
        return KrakenRefused(fault)
    if fault.row.fate is Fate.UNKNOWN and writes:
        return KrakenOutcomeUnknown(fault)
    return KrakenUnavailable(fault)
