"""What the guard of one portfolio remembers from hour to hour, and how a mark moves it.

Drawdown, kill-switch triggers and the latch in one value, moved by the same functions as the backtest's
account. A mark of an hour that is not younger than the last one changes nothing, so marks may come twice.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from trading.config import KillSwitch, Limits
from trading.portfolio import Account
from trading.records import blank
from trading.risk.drawdown import HALT_TIER, flow, guard
from trading.risk.drawdown import resume as rebase
from trading.risk.live_triggers import pass_hour
from trading.risk.trading_state import ACTIVE, HALTED, REDUCING, Cause, Event, Latch, Standing, move


class Vigil(NamedTuple):
    """Amounts in 1e-8 quote; hours since the epoch."""

    latch: Latch
    hour: int = -1
    """asof of the last mark; -1 before the first."""
    equity: int = 0
    units: int = 0
    peak: int = 0
    lifetime_peak: int = 0
    tier: int = 0
    halt_hour: int = 0
    """The last mark before the first trip of the halt that stands."""
    rebases: bool = False
    """The next mark begins the risk peak anew: a resume from a drawdown was approved since the last one."""
    clear_h: Mapping[str, int] = {}
    """Clean hours that each trigger still needs."""


class Mark(NamedTuple):
    """What an hour tells the guard."""

    hour: int
    equity: int
    """After the flows."""
    flows: int
    triggers: Collection[str] = ()
    """Those that fired."""
    trips: Collection[str] = ()
    """What latches at once."""
    review_after_h: int = 0
    """Hours after which a halt by drawdown alone is lifted without a person; 0: never."""


class Rules(NamedTuple):
    limits: Limits
    kill_switch: KillSwitch


def mark(vigil: Vigil, seen: Mark, rules: Rules) -> Vigil:
    """The vigil after an hour."""
    if seen.hour <= vigil.hour:
        return vigil
    latch = vigil.latch
    is_reviewed = is_due(vigil, seen)
    if is_reviewed:
        latch = move(latch, Event.RESUME)
    account = marked(vigil, seen)
    if is_reviewed or vigil.rebases:
        rebase(account)
    guard(seen.hour, 0, rules.limits, account)
    halted_before = latch.state == HALTED
    causes = [Cause.DRAWDOWN] if account.tier == HALT_TIER else []
    for cause in (*causes, *seen.trips):
        if cause not in latch.causes:
            latch = move(latch, Event.TRIP, cause)
    clear_h = pass_hour(seen.triggers, vigil.clear_h, rules.kill_switch)
    return Vigil(
        move(latch, Event.CAUTION if clear_h else Event.CLEAN),
        seen.hour,
        seen.equity,
        account.units,
        account.peak,
        account.lifetime_peak,
        account.tier,
        vigil.halt_hour if halted_before else seen.hour,
        clear_h=clear_h,
    )


def is_due(vigil: Vigil, seen: Mark) -> bool:
    """Whether a replay lifts the halt at this mark, as a backtest does; other causes wait for a person."""
    waited = 0 < seen.review_after_h <= seen.hour - vigil.halt_hour
    return waited and vigil.latch.causes == (Cause.DRAWDOWN,)


def marked(vigil: Vigil, seen: Mark) -> Account:
    """The account at the new mark, its peaks and units rescaled by the flow; a first mark sets them.

    What was empty before a deposit begins anew, and what a withdrawal empties keeps its peaks.
    """
    before = seen.equity - seen.flows
    account = blank(Account, 1)[0]
    account.cash = account.equity = before
    account.units, account.tier = vigil.units or before, vigil.tier
    account.peak, account.lifetime_peak = vigil.peak or before, vigil.lifetime_peak or before
    flow(seen.flows, account)
    if before <= 0:
        account.units = account.peak = account.lifetime_peak = seen.equity
    account.equity = seen.equity
    account.halted = 1 if vigil.latch.state == HALTED else 0
    return account


def tripped(vigil: Vigil, cause: str) -> Vigil:
    """The vigil after a trip between two marks."""
    since = vigil.halt_hour if vigil.latch.state == HALTED else vigil.hour
    return vigil._replace(latch=move(vigil.latch, Event.TRIP, cause), halt_hour=since)


def resumed(vigil: Vigil) -> Vigil:
    """The vigil after an approved resume; it is REDUCING while a trigger still wants clean hours.

    After a halt by drawdown the risk peak begins anew at today's equity, and again at the next mark, so that
    what the market did while people reviewed counts for neither side.
    """
    again = move(vigil.latch, Event.RESUME)
    lifted = vigil._replace(latch=move(again, Event.CAUTION) if vigil.clear_h else again)
    if vigil.tier != HALT_TIER:
        return lifted
    return lifted._replace(tier=0, peak=vigil.equity, rebases=True)


def compared(
    vigil: Vigil, row: Standing | None, audit: Standing | None, rules: Rules, flattening: bool = False
) -> Vigil:
    """The vigil after a look at the other two tellings; `flattening` is the halt of the row.

    A row that somebody tightened is taken over: a halt under its own epoch, caution as a trigger. Whatever
    else differs was changed behind our back or lost, and trips.
    """
    mine = vigil.latch.standing
    if row == mine == audit:
        return vigil
    if row is not None and row.state == HALTED and row.epoch > mine.epoch:
        since = vigil.halt_hour if mine.state == HALTED else vigil.hour
        known = vigil.latch.causes
        asked = (Cause.FLATTEN,) if flattening and Cause.FLATTEN not in known else ()
        taken = Latch(HALTED, row.epoch, (*known, *asked, Cause.FOUND))
        return vigil._replace(latch=taken, halt_hour=since)
    if mine.state == ACTIVE and row == Standing(REDUCING, mine.epoch) and mine == audit:
        cautious = {**vigil.clear_h, Cause.FOUND: rules.kill_switch.clear_h}
        return vigil._replace(latch=move(vigil.latch, Event.CAUTION), clear_h=cautious)
    return tripped(vigil, Cause.FOUND)
