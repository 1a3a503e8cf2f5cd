"""Names that follow from what an order means, never from the attempt to send it.

A name is made before the first attempt and can be made again after a crash, so a restart looks for the order
that it may have sent instead of sending another.
"""

from uuid import UUID, uuid5

from trading.clock import TradingHour
from trading.config import canonical_json
from trading.execution.protocol import Kind

NAMESPACE = UUID("6f1d0a3e-5c0e-5a53-9b0a-3a5e1f6a7c11")
"""Chosen once; another one would orphan every order that rests."""


def order_id(track: str, intent: str, kind: Kind, n: int) -> UUID:
    """The id of the n-th order of a leg; n rises only when n - 1 is known to be over or never placed."""
    return _named("order", track, intent, kind.value, n)


def intent_of(portfolio: str, asof: TradingHour, instrument: str) -> str:
    """What an intent is called, in every id that follows from it;."""
    return f"{portfolio} {asof} {instrument}"


def protection_of(portfolio: str, asof: TradingHour, instrument: str) -> str:
    """What the stop is called that an hour puts under a position which lacks one."""
    return f"stop {portfolio} {asof} {instrument}"


def child_id(track: str, venue_id: str) -> UUID:
    """Our id for an order that the venue made on our behalf, such as the stop that a fill left behind."""
    return _named("child", track, venue_id)


def finding_id(track: str, what: str, reference: str) -> UUID:
    """The id of something strange at the venue: seen again, it is the same finding."""
    return _named("finding", track, what, reference)


def _named(*parts: str | int) -> UUID:
    # A JSON list, so that no two lists of parts run together into one name.
    return uuid5(NAMESPACE, canonical_json(parts).decode())
