"""Who may trade: what stands between a release and the alias `champion`, and when a champion is idle.

Nothing here promotes: a person does, by name and with a reason, and these rules may only refuse.
"""

from collections.abc import Collection
from typing import NamedTuple

from trading.models.release import Facts

REPLAY, PAPER, LIVE = "replay", "paper", "live"
MODES = (REPLAY, PAPER, LIVE)
SUITES = ("leakage", "forecasts", "strategy")
"""Suites of `ballast evaluate` that must have been passed on the release's own prediction log."""
PRESET = "full"
VENUE = "kraken"
DAYS_MIN = 365
IDLE_AFTER_D = 365
PROMOTE, ROLLBACK = "promote", "rollback"
CHAMPION, CHALLENGER = "champion", "challenger"


class Promotion(NamedTuple):
    """One line of the record: who made which release champion, of what, and why."""

    at: str
    """UTC, ISO 8601."""
    action: str
    """`PROMOTE` or `ROLLBACK`."""
    version: int
    digest: str
    previous: int | None
    mode: str
    who: str
    why: str
    waived: tuple[str, ...]
    """What would have been refused outside replay."""


def unfit(facts: Facts) -> list[str]:
    """Why a release may not serve outside replay; asked at promotion and again at every load.

    A replay may show anything: its numbers are labelled, and no order leaves the machine.
    """
    reasons = []
    if facts.preset != PRESET:
        reasons.append(f"its preset is {facts.preset}, not {PRESET}")
    if facts.venue != VENUE or facts.proxy:
        reasons.append(f"its data are those of {facts.venue}, not {VENUE}'s")
    return reasons


def unproven(facts: Facts, passed: Collection[str]) -> list[str]:
    """What a promotion still needs; `passed` are the suites passed on the release's prediction log."""
    reasons = [f"`ballast evaluate {suite}` has not been passed" for suite in SUITES if suite not in passed]
    young = sorted(name for name, days in facts.days.items() if days < DAYS_MIN)
    if young or not facts.days:
        reasons.append(f"less than {DAYS_MIN} days of data: {', '.join(young) or 'no instrument at all'}")
    return reasons


def is_idle(promoted_d: float, last_entry_d: float | None, now_d: float) -> bool:
    """A champion that let nobody in for twelve months; times in days since the epoch."""
    return now_d - max(promoted_d, last_entry_d or promoted_d) >= IDLE_AFTER_D
