"""The stages of one portfolio's hour as contents with digests, whoever made them, and how two of them differ.

A stage's content is a grid or a sight in bytes, or a document of canonical JSON.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from trading.clock import TradingHour
from trading.config import canonical_json
from trading.execution.protocol import Trade
from trading.ledger.entries import Entry
from trading.live.sight import PRICES, Sight, parse_grid

MARKET = ("window", "features", "predictions")
PREDICTED = ("p4", "p24", "e24", "e_hold", "p_crash", "p_high_volatility")
NEAR = 1e-5
"""What predictions may differ by between processors; what follows then goes on with the recorded ones."""
OUTPUTS = "outputs"
"""What every model of a release said; a rule has none, nor have hours from before they were kept."""
STAGES = (*MARKET, OUTPUTS, "decision", "verdict", "orders", "fills", "entries", "state")


class Content(NamedTuple):
    """What a stage left."""

    digest: str
    """SHA-256 of the content."""
    content: bytes | None
    """None where only the digest is left."""

    @classmethod
    def of(cls, content: bytes) -> "Content":
        return cls(hashlib.sha256(content).hexdigest(), content)

    @classmethod
    def told(cls, value: object) -> "Content":
        return cls.of(canonical_json(value))


class Compared(NamedTuple):
    """One stage, as it was recorded and as it was computed again."""

    stage: str
    recorded: str
    """Digest; empty where nothing is recorded."""
    again: str
    same: bool
    near: bool = False
    """Not the same, but no prediction further apart than another processor explains."""
    where: str = ""
    """The first field or column that differs, with both values."""


def compare(recorded: Mapping[str, Content], again: Mapping[str, Content]) -> list[Compared]:
    """Every stage that either side has, in the order of the hour."""
    rows = []
    for stage in STAGES:
        here, there = recorded.get(stage), again.get(stage)
        if here is None and (there is None or stage == OUTPUTS):
            continue
        same = here is not None and there is not None and here.digest == there.digest
        where = "" if same else _where(stage, here, there)
        alike = {"predictions": is_near, OUTPUTS: are_near}.get(stage)
        close = not same and alike is not None and alike(here, there)
        digests = (here.digest if here else "", there.digest if there else "")
        rows.append(Compared(stage, *digests, same, close, where))
    return rows


def is_near(recorded: Content | None, again: Content | None) -> bool:
    """Two sights that differ in a release's predictions alone, and in none by more than `NEAR`."""
    if recorded is None or again is None or recorded.content is None or again.content is None:
        return False
    one, two = (Sight.parse(content) for content in (recorded.content, again.content))
    if not one.release.startswith("release-") or one.instruments != two.instruments:
        return False
    pairs = [(one.view.market, two.view.market), *zip(one.view.readings, two.view.readings, strict=True)]
    return one.advice == two.advice and all(_are_near(mine, theirs) for mine, theirs in pairs)


def are_near(recorded: Content | None, again: Content | None) -> bool:
    """What models said, by none of them further apart than `NEAR`."""
    if recorded is None or again is None or recorded.content is None or again.content is None:
        return False
    return _alike(json.loads(recorded.content), json.loads(again.content))


def _alike(recorded: Any, again: Any) -> bool:
    if isinstance(recorded, dict) and isinstance(again, dict):
        return recorded.keys() == again.keys() and all(_alike(recorded[k], again[k]) for k in recorded)
    if isinstance(recorded, float) and isinstance(again, float):
        return abs(recorded - again) <= NEAR
    return bool(recorded == again)


def _are_near(recorded: Any, again: Any) -> bool:
    for name, mine in _fields(recorded).items():
        theirs = getattr(again, name)
        close = name in PREDICTED and abs(mine - theirs) <= NEAR
        if not (mine == theirs or close or (mine != mine and theirs != theirs)):
            return False
    return True


def _where(stage: str, here: Content | None, there: Content | None) -> str:
    if here is None or there is None:
        return "nothing was recorded" if here is None else "nothing came of it again"
    if here.content is None or there.content is None:
        return "only the digest is left"
    if stage == "window":
        return _grids(here.content, there.content)
    if stage in MARKET:
        return _sights(here.content, there.content)
    return _first(json.loads(here.content), json.loads(there.content), "")


def _grids(recorded: bytes, again: bytes) -> str:
    """The first cell in which two windows differ."""
    one, two = parse_grid(recorded), parse_grid(again)
    heads = [(g.venue, g.instruments, g.first, g.hours) for g in (one, two)]
    if heads[0] != heads[1]:
        return f"the window: {heads[0]} / {heads[1]}"
    for column in (*PRICES, "stale"):
        mine, theirs = getattr(one, column), getattr(two, column)
        unequal = ~((mine == theirs) | ((mine != mine) & (theirs != theirs)))
        for row, a in np.argwhere(unequal)[:1]:
            asof = TradingHour(one.first + int(row))
            return f"{column} of {one.instruments[a]} at {asof}: {mine[row, a]} / {theirs[row, a]}"
    return "the bytes, and no value"


def _sights(recorded: bytes, again: bytes) -> str:
    """The first field in which two sights differ."""
    return _first(_plain(Sight.parse(recorded)), _plain(Sight.parse(again)), "")


def _plain(sight: Sight) -> dict[str, Any]:
    """A sight as plain values, readings by instrument."""
    return {
        "instruments": list(sight.instruments),
        "release": sight.release,
        "market": _fields(sight.view.market),
        **dict(zip(sight.instruments, map(_fields, sight.view.readings), strict=True)),
        "advice": {name: [_fields(s) for s in advice.signals] for name, advice in sight.advice.items()},
    }


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _first(recorded: Any, again: Any, path: str) -> str:
    """Path and values of the first difference between two plain values; empty when there is none."""
    if isinstance(recorded, dict) and isinstance(again, dict):
        pairs: Iterable[tuple[object, Any, Any]] = (
            (name, recorded.get(name, "absent"), again.get(name, "absent"))
            for name in sorted({*recorded, *again})
        )
    elif isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        pairs = ((n, one, two) for n, (one, two) in enumerate(zip(recorded, again, strict=True)))
    else:
        # What is no number is not equal to itself, and no difference.
        same = recorded == again or (recorded != recorded and again != again)
        return "" if same else f"{path or 'all of it'}: {recorded} / {again}"
    found = (_first(one, two, f"{path}.{name}" if path else str(name)) for name, one, two in pairs)
    return next(filter(None, found), "")


def fill_told(trade: Trade, kind: str) -> dict[str, object]:
    """One fill, as both sides tell it."""
    return {"kind": str(kind), **trade._asdict(), "at": trade.at.isoformat()}


def entry_told(entry: Entry) -> dict[str, object]:
    """One entry of the journal, its postings in order."""
    return {
        "entry": entry.name,
        "at": entry.time.isoformat(),
        "postings": sorted(list(posting) for posting in entry.postings),
    }
