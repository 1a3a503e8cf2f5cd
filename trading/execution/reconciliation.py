"""Do the venue's balances and ours agree? To the last lot and the last 1e-8, or entries stop."""

from collections.abc import Sequence

from trading.execution.fills import Holding
from trading.portfolio import PortfolioState
from trading.risk.drawdown import trip


def reconcile(hour: int, state: PortfolioState, venue_cash: int, holdings: Sequence[Holding]) -> bool:
    """Compare cash and every holding, dust included; a mismatch latches a halt. True when all agree."""
    agree = venue_cash == state.account.cash
    for a in range(len(state.positions)):
        position = state.positions[a]
        if holdings[a].lots != position.lots + position.dust:
            agree = False
    state.account.unreconciled = 0 if agree else 1
    if not agree:
        trip(hour, state.account)
    return agree
