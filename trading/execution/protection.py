"""Stops belong to the position: after every fill and every hour resting stops are made equal to wanted
stops.
"""

from collections.abc import Sequence

from trading.execution.fills import Holding
from trading.portfolio import PortfolioState


def protect(state: PortfolioState, holdings: Sequence[Holding]) -> None:
    """Make the venue's resting stops what the positions want; dust rests without one."""
    for a in range(len(state.positions)):
        position, holding = state.positions[a], holdings[a]
        holding.stop = position.stop if position.lots > 0 else 0
        holding.stop_lots = position.lots if holding.stop > 0 else 0
