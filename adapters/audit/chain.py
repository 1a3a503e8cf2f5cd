"""The hash chain, as pure functions.

    digest(0)   = sha256("ballast-audit/1" || 0x00 || track)
    digest(seq) = sha256(digest(seq - 1) || seq || kind || 0x00 || portfolio || 0x00 || body)

Digests enter as their 32 bytes, seq as 8 bytes big-endian, text as UTF-8, the body as it was stored. Neither
kind nor portfolio holds a 0x00, so that no two contents are the same bytes. Everything an entry says is under
its digest, the numbers and names too; what is not under it is not stored.
"""

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Kind(StrEnum):
    """What an entry tells of. A new kind of event gets a word here."""

    DECISION = "decision"
    VERDICT = "verdict"
    ORDER_EVENT = "order-event"
    OUTCOME = "outcome"
    """How an hour ended, of a portfolio or of the whole track."""
    STAGE = "stage"
    """What a stage of the market's work left, by its digest."""
    STATE = "state"
    """A portfolio's mark, or its state after an hour, by its digest."""
    PROOF = "proof"
    RECONCILIATION = "reconciliation"
    MONEY = "money"
    """A balanced entry of the journal."""
    HALT_STATE = "halt-state"
    """A change of the trading state: a JSON object with `state` (a word) and `epoch` (an integer)."""
    HALT = "halt"
    """Whatever else befalls a halt: a trip, a request to resume, a review."""
    APPROVAL = "approval"
    REFUSAL = "refusal"
    ACCOUNT = "account"
    """Signing in, out, and every change of people, sessions and tokens."""
    PROMOTION = "promotion"
    CONFIGURATION = "configuration"
    STRUCTURE = "structure"
    HISTORY = "history"
    """An exported history of a workflow, by the digest of its bytes."""
    REPORT = "report"
    MONITOR = "monitor"
    """What the monitors of a portfolio found, and what was done about it."""
    INCIDENT = "incident"
    CHECKPOINT = "checkpoint"
    """The head of the chain, signed."""
    RESTORE = "restore"
    """A backup was restored: what was attested outside from here on is lost, and a new line begins."""
    KEY = "key"
    """The next signing key, signed with the one before."""


class Entry(NamedTuple):
    """Where an entry stands in the chain of its track."""

    seq: int
    digest: str
    """Hexadecimal."""


class Record(NamedTuple):
    """One entry as it is stored."""

    seq: int
    kind: str
    portfolio: str
    body: bytes
    digest: str


def genesis(track: str) -> bytes:
    """What the first entry of a track is chained to; two tracks never have a digest in common."""
    return hashlib.sha256(b"ballast-audit/1\0" + track.encode()).digest()


def link(before: bytes, seq: int, kind: str, portfolio: str, body: bytes) -> bytes:
    """The digest of an entry, of 32 bytes, over the digest before it and all that it says."""
    named = _names(kind, portfolio)
    return hashlib.sha256(b"".join((before, seq.to_bytes(8, "big"), named, body))).digest()


@lru_cache(maxsize=4_096)
def _names(kind: str, portfolio: str) -> bytes:
    """The same few words come again and again."""
    return f"{kind}\0{portfolio}\0".encode()
