"""What an answer of Kraken means, as one table: send again, refused, or not known.

How a row is found: an error text equals a row's text, or begins with it and a colon, after blanks around
colons are dropped. What has no row is `UNKNOWN`: only listed texts count as refusals, because a refusal that
is none would place an order twice. Of several errors in one answer the gravest counts: unknown, then refused,
then again. Texts that begin with W are warnings beside a valid result.

    fate       after a read        after a write
    AGAIN      VenueUnavailable    VenueUnavailable    nothing happened
    REFUSED    VenueRefused        VenueRefused        nothing happened, and the same call never will work
    UNKNOWN    VenueUnavailable    OutcomeUnknown      a write may have taken effect

The client repeats reads, unless refused, and sends every write once.
"""

import re
from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import NamedTuple


class Fate(IntEnum):
    """What became of a call, in rising gravity."""

    AGAIN = 0
    REFUSED = 1
    UNKNOWN = 2


class Pause(Enum):
    """Who has to keep still after an error."""

    NOBODY = 0
    CALL = 1
    """The call itself, before it is repeated."""
    PAIR = 2
    """Orders of the same pair."""
    CALLER = 3
    """Every call of this key, or of this address if the call was public."""


class Row(NamedTuple):
    """One error and what follows from it."""

    text: str
    fate: Fate
    wait_s: float
    pause: Pause
    advice: str


class Fault(NamedTuple):
    """An error as it came, beside its row."""

    row: Row
    said: str
    wait_s: float

    @property
    def sentence(self) -> str:
        return f"{self.said[:SAID_MAX]}; {self.row.advice}"


SAID_MAX = 200
LOCKOUT_S = 900.0
THROTTLE_S_MAX = 120.0
AGAIN, REFUSED, UNKNOWN = Fate.AGAIN, Fate.REFUSED, Fate.UNKNOWN
NOBODY, CALL, PAIR, CALLER = Pause.NOBODY, Pause.CALL, Pause.PAIR, Pause.CALLER

_SLOW = "too many calls; wait, and call less often"
_KEY = "the API key is not accepted; stop, and check key, secret and permissions at Kraken"
_OURS = "the request does not fit the venue's rules; read AssetPairs anew, then mend the request"
_LOOK = "it may have been done; look for the order before anything else"
_DOWN = "the venue is not serving now; try again later"
# No pause: cancels go through while orders do not.
_MODE = "the market takes only some orders now; wait until it is online again"
_LOCKED = "the account is locked; stop, and ask Kraken"
_MARGIN = "margin was touched, which Ballast never uses; stop, and look at the account"
_CLOUD = "the way to Kraken is broken; if this was an order, look for it before anything else"

TABLE: tuple[Row, ...] = (
    Row("EAPI:Rate limit exceeded", AGAIN, 15, CALLER, _SLOW),
    Row("EOrder:Rate limit exceeded", AGAIN, 10, PAIR, _SLOW),
    Row("EOrder:Domain rate limit exceeded", AGAIN, 10, PAIR, _SLOW),
    Row("EService:Throttled", AGAIN, 5, CALLER, _SLOW),
    Row("EGeneral:Too many requests", AGAIN, 30, CALLER, _SLOW),
    Row("EAuth:Rate limit exceeded", AGAIN, 30, CALLER, _SLOW),
    Row("EAuth:Too many requests", AGAIN, 30, CALLER, _SLOW),
    Row(
        "EGeneral:Temporary lockout",
        AGAIN,
        LOCKOUT_S,
        CALLER,
        "locked out for 15 minutes; each call starts them anew",
    ),
    Row(
        "EAPI:Invalid nonce",
        AGAIN,
        1,
        CALL,
        "another program uses this key, or did with larger nonces; make a new key",
    ),
    Row("EAPI:Invalid key", REFUSED, 0, NOBODY, _KEY),
    Row("EAPI:Invalid signature", REFUSED, 0, NOBODY, _KEY),
    Row("EAPI:Bad request", REFUSED, 0, NOBODY, _KEY),
    Row("EGeneral:Permission denied", REFUSED, 0, NOBODY, _KEY),
    Row("EAccount:Invalid permissions", REFUSED, 0, NOBODY, _KEY),
    Row("EAuth:Account temporary disabled", REFUSED, 0, NOBODY, _KEY),
    Row("EAuth:Account unconfirmed", REFUSED, 0, NOBODY, _KEY),
    Row("EService:Unavailable", UNKNOWN, 1, CALL, _DOWN),
    Row("EService:Busy", UNKNOWN, 1, CALL, _DOWN),
    Row("EService:Deadline elapsed", UNKNOWN, 1, CALL, _LOOK),
    Row("EGeneral:Internal error", UNKNOWN, 1, CALL, _LOOK),
    Row("EDatabase:Internal error", UNKNOWN, 1, CALL, _LOOK),
    Row("EService:Market in cancel_only mode", AGAIN, 60, NOBODY, _MODE),
    Row("EService:Market in post_only mode", AGAIN, 60, NOBODY, _MODE),
    Row("EService:Market in limit_only mode", AGAIN, 60, NOBODY, _MODE),
    Row(
        "EOrder:Insufficient funds",
        REFUSED,
        0,
        NOBODY,
        "not enough funds with the fee; read BalanceEx and plan anew",
    ),
    Row("EOrder:Order minimum not met", REFUSED, 0, NOBODY, _OURS),
    Row("EOrder:Cost minimum not met", REFUSED, 0, NOBODY, _OURS),
    Row("EOrder:Tick size check failed", REFUSED, 0, NOBODY, _OURS),
    Row("EOrder:Invalid price", REFUSED, 0, NOBODY, _OURS),
    Row("EGeneral:Invalid arguments", REFUSED, 0, NOBODY, _OURS),
    Row("ETrade:Invalid request", REFUSED, 0, NOBODY, _OURS),
    Row(
        "EGeneral:Invalid arguments:cl_ord_id not unique",
        REFUSED,
        0,
        NOBODY,
        "an open order has this id already; adopt that order",
    ),
    Row("EOrder:Post only order", REFUSED, 0, NOBODY, "it would have traded at once; price it anew"),
    Row("EOrder:Orders limit exceeded", REFUSED, 0, NOBODY, "too many open orders; cancel some first"),
    Row(
        "EOrder:Scheduled orders limit exceeded",
        REFUSED,
        0,
        NOBODY,
        "too many open orders; cancel some first",
    ),
    Row("EOrder:Positions limit exceeded", REFUSED, 0, NOBODY, _MARGIN),
    Row(
        "EOrder:Unknown order", REFUSED, 0, NOBODY, "the order is over already; ask QueryOrders how it ended"
    ),
    Row("EOrder:Invalid order", REFUSED, 0, NOBODY, "there is no such order; check its id"),
    Row(
        "EOrder:Cancel pending",
        REFUSED,
        0,
        NOBODY,
        "its cancel is under way; ask QueryOrders until it is over",
    ),
    Row("EQuery:Unknown asset pair", REFUSED, 0, NOBODY, _OURS),
    Row("EQuery:Invalid asset pair", REFUSED, 0, NOBODY, _OURS),
    Row("EQuery:Unknown asset", REFUSED, 0, NOBODY, _OURS),
    Row("EGeneral:Unknown method", REFUSED, 0, NOBODY, _OURS),
    Row("ETrade:Locked", REFUSED, 0, NOBODY, _LOCKED),
    Row("ETrade:User Locked", REFUSED, 0, NOBODY, _LOCKED),
    Row("EOrder:Margin allowance exceeded", REFUSED, 0, NOBODY, _MARGIN),
    Row("EOrder:Margin level too low", REFUSED, 0, NOBODY, _MARGIN),
    Row("EOrder:Margin position size exceeded", REFUSED, 0, NOBODY, _MARGIN),
    Row("EOrder:Insufficient margin", REFUSED, 0, NOBODY, _MARGIN),
    Row("EOrder:Cannot open position", REFUSED, 0, NOBODY, _MARGIN),
    Row("EOrder:Cannot open opposing position", REFUSED, 0, NOBODY, _MARGIN),
    Row("EOrder:Reduce only", REFUSED, 0, NOBODY, _MARGIN),
    Row("HTTP 403", UNKNOWN, 30, CALLER, _SLOW),
    Row("HTTP 429", UNKNOWN, 30, CALLER, _SLOW),
    *(Row(f"HTTP {status}", UNKNOWN, 1, CALL, _CLOUD) for status in (500, 502, 503, 504, *range(520, 527))),
    Row("no connection", AGAIN, 1, CALL, "nothing was sent; check the network"),
    Row("no answer", UNKNOWN, 1, CALL, _CLOUD),
    Row("a damaged answer", UNKNOWN, 1, CALL, _CLOUD),
    Row(
        "own pace",
        AGAIN,
        0,
        NOBODY,
        "nothing was sent, because a rate counter or a pause would be broken; wait",
    ),
)
_ROWS = {row.text: row for row in TABLE}
_STRANGER = Row("", UNKNOWN, 1, CALL, "no such error is known; if this was an order, look for it")


def row_for(text: str) -> Row:
    """The row with the longest text that `text` equals or extends after a colon; else one of unknown fate."""
    plain = re.sub(r"\s*:\s*", ":", text.strip())
    while plain:
        if plain in _ROWS:
            return _ROWS[plain]
        plain = plain.rpartition(":")[0]
    return _STRANGER


def judge(errors: Sequence[str], now_s: float) -> Fault | None:
    """The gravest fault among an answer's errors; None if they are warnings at most."""
    faults = [fault(text, now_s) for text in errors if not text.startswith("W")]
    return max(faults, key=lambda found: found.row.fate, default=None)


def fault(text: str, now_s: float = 0.0) -> Fault:
    """An error of Kraken or of the way to it; a throttle names the moment (Unix time) to wait for."""
    row = row_for(text)
    wait_s, until = (
        row.wait_s,
        re.fullmatch(r"EService\s*:\s*Throttled\s*:\s*(\d{1,12})(\.\d+)?", text.strip()),
    )
    if until:
        wait_s = min(max(float(until[1]) + 1 - now_s, 0), THROTTLE_S_MAX)
    return Fault(row, text, wait_s)
