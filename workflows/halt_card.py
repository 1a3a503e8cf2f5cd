"""What Temporal's UI shows of a guard, for whoever has to decide with nothing else at hand."""

from activities.halt_messages import HaltStatus
from trading.risk.trading_state import HALTED, REQUEST


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
