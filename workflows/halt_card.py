"""What a guard says of itself: to hours, to people, and to whoever has nothing but Temporal's UI at hand."""

from activities.halt_messages import HaltStart, HaltStatus
from activities.messages import GuardOut
from trading.clock import TradingHour
from trading.risk.trading_state import HALTED, REQUEST
from trading.risk.vigil import Vigil


def answer_of(vigil: Vigil) -> GuardOut:
    """What an hour is answered."""
    latch = vigil.latch
    return GuardOut(
        state=latch.state,
        epoch=latch.epoch,
        tier=vigil.tier,
        halt_id=latch.halt_id,
        reasons=(*latch.causes, *vigil.clear_h),
        peak=vigil.peak,
        lifetime_peak=vigil.lifetime_peak,
    )


def status_of(start: HaltStart, vigil: Vigil, *, entries_cancelled: bool) -> HaltStatus:
    """What people are answered."""
    latch = vigil.latch
    return HaltStatus(
        track=start.track,
        portfolio=start.portfolio,
        state=latch.state,
        epoch=latch.epoch,
        halt_id=latch.halt_id,
        causes=latch.causes,
        requester=latch.requester,
        approvers=latch.approvers,
        approvals_required=start.approvals_required,
        clear_h=dict(vigil.clear_h),
        tier=vigil.tier,
        asof=TradingHour(vigil.hour).asof if vigil.hour >= 0 else None,
        equity=vigil.equity,
        peak=vigil.peak,
        lifetime_peak=vigil.lifetime_peak,
        entries_cancelled=entries_cancelled,
    )


def card(status: HaltStatus) -> str:
    """Markdown: the state, why, and how to resume."""
    lines = [f"**{status.state}** · {status.portfolio} on {status.track} · epoch {status.epoch}"]
    lines.append(f"Risk drawdown {_percent(status.equity, status.peak)}, tier {status.tier}; ")
    lines[-1] += f"since ever {_percent(status.equity, status.lifetime_peak)}"
    if status.asof:
        lines[-1] += f" (mark of {status.asof:%Y-%m-%d %H:%M} UTC)"
    if status.clear_h:
        waits = (f"{name} {hours} h" for name, hours in status.clear_h.items())
        lines.append(f"Clean hours wanted: {', '.join(waits)}")
    if status.state == HALTED:
        lines.append(
            f"Halt `{status.halt_id}`: {', '.join(status.causes)}. No entries; exits and cancels pass."
        )
        lines.append("Working entries: " + ("all over" if status.entries_cancelled else "being cancelled"))
        lines.append(_review(status))
    return "\n\n".join(lines)


def _review(status: HaltStatus) -> str:
    if not status.requester:
        return f"To resume, read docs/runbooks/halt.md, then send the signal `resume`:\n\n{_argument(status)}"
    left = status.approvals_required - len(status.approvers)
    who = ", ".join(status.approvers) or "nobody yet"
    return f"Resume requested by {status.requester}; approved by {who}; {left} to go, by somebody else."


def _argument(status: HaltStatus) -> str:
    said = f'"halt_id": "{status.halt_id}", "operator": "you", "role": "{REQUEST}", "reason": "why"'
    return f"`{{{said}}}`"


def _percent(equity: int, peak: int) -> str:
    """How far below the peak, to a tenth of a percent, never rounded up."""
    tenths = 1000 * max(peak - equity, 0) // peak if peak else 0
    return f"{tenths // 10}.{tenths % 10} %"
