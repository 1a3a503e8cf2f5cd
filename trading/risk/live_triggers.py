"""Kill-switch triggers that need more than bars: the exchange's interface, the book, other venues.

They join those of `kill_switch`, which a backtest has too. Each blocks entries until its clean hours have
passed; an hour that could not be observed is not clean.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from trading.codes import TRIGGERS
from trading.config import KillSwitch
from trading.risk.kill_switch import clean_hours

LIVE_TRIGGERS = (*TRIGGERS, "api instability", "spread anomaly", "venue divergence", "clock skew")
"""All of them; the first ones are those of bars, whose bits `names_of` spells out."""
_, VOLATILITY, _, API_INSTABILITY, SPREAD_ANOMALY, VENUE_DIVERGENCE, CLOCK_SKEW = LIVE_TRIGGERS


class LiveRules(NamedTuple):
    """When the exchange is not to be trusted."""

    failures: int
    failures_within_s: float
    """So many failed calls in so many seconds are too many."""
    latency_s_max: float
    spread_medians: float
    """A spread of more than so many of its seven-day medians is an anomaly."""
    spread_max: float
    divergence_max: float
    """Largest difference of a close from the informational venues', as a fraction."""
    skew_s_max: float
    """Largest difference of this computer's clock from the venue's, by which deadlines are kept."""


class Conditions(NamedTuple):
    """What an hour showed. NaN for what could not be measured, which trips: silence is no proof of calm."""

    failed_at_s: Sequence[float]
    """When calls to the venue failed, in seconds since any moment, oldest first."""
    latency_s: float
    """Of the slowest call that was answered."""
    spread: float
    """Of bitcoin in the book, a fraction of the price."""
    spread_median: float
    """What is usual: its median over seven days, or what bars tell where that is more."""
    divergence: float
    """Of bitcoin's close from the venue that is nearest; 0 where no other answers, since they only inform."""
    skew_s: float
    """This computer's clock less the venue's, unsigned."""


def live_triggers(seen: Conditions, rules: LiveRules) -> list[str]:
    """Names of the triggers that fire."""
    failures = most_within(seen.failed_at_s, rules.failures_within_s)
    spread_max = min(rules.spread_medians * seen.spread_median, rules.spread_max)
    fires = {
        API_INSTABILITY: failures >= rules.failures or not seen.latency_s <= rules.latency_s_max,
        SPREAD_ANOMALY: not seen.spread <= spread_max,
        VENUE_DIVERGENCE: not seen.divergence <= rules.divergence_max,
        CLOCK_SKEW: not seen.skew_s <= rules.skew_s_max,
    }
    return [name for name, fired in fires.items() if fired]


def most_within(times_s: Sequence[float], window_s: float) -> int:
    """The most of the times that any window of this length holds, its ends included."""
    most, first = 0, 0
    for last in range(len(times_s)):
        while times_s[last] - times_s[first] > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def names_of(mask: int) -> list[str]:
    """The triggers of bars by their bits, as `kill_switch.watch` answers."""
    return [name for bit, name in enumerate(TRIGGERS) if mask >> bit & 1]


def pass_hour(fired: Collection[str], left: Mapping[str, int], rules: KillSwitch) -> dict[str, int]:
    """Clean hours that each trigger still needs after an hour in which `fired` did; those that need none are
    left out.
    """
    after = {}
    for name in sorted({*fired, *left}):
        needed = rules.clear_volatility_h if name == VOLATILITY else rules.clear_h
        after[name] = clean_hours(int(name in fired), needed, left.get(name, 0))
    return {name: hours for name, hours in after.items() if hours}
