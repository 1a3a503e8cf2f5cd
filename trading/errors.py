"""The error tree, split by who can mend it.

BallastError
├── DataError              the input is wrong: mend or quarantine the data
│   └── WindowRefused      too little of the market is usable for a decision
├── UsageError             the caller asked for something that cannot be: mend the command or configuration
│   └── NotReady           what an hour needs is not there yet: it warms up
├── InvariantError         we are wrong: stop, keep the evidence, mend the code
└── VenueError             the venue said no, or said nothing
    ├── VenueRefused       it refused for good: do not send again
    ├── VenueUnavailable   nothing happened: the same call may be sent again
    └── OutcomeUnknown     it may have happened: look before sending again
"""


class BallastError(Exception):
    """Anything Ballast raises on purpose; the message says what to do."""


class DataError(BallastError):
    """The input is wrong."""


class WindowRefused(DataError):
    """Too little of the market is usable for a decision."""


class UsageError(BallastError):
    """The caller asked for something that cannot be."""


class NotReady(UsageError):
    """What an hour needs is not there yet, such as a release that may trade: nothing is entered."""


class InvariantError(BallastError):
    """Our own rules do not hold: a defect."""


class VenueError(BallastError):
    """The venue said no, or said nothing."""


class VenueRefused(VenueError):
    """The venue refused for good."""


class VenueUnavailable(VenueError):
    """Nothing happened at the venue; the same call may be sent again."""


class OutcomeUnknown(VenueError):
    """The call may have taken effect; look before sending again."""
