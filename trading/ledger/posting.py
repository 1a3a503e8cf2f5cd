"""From the venue's own ledger to entries of ours: what each trade and each flow did to what we hold.

1. A trade is posted with the amount that the ledger booked, once all of its rows are there. What that differs
   from value and fee goes to the rounding account; more than rounding can explain is a finding, not an entry.
2. Deposits, withdrawals and rewards are posted by the ledger's own id. Money is cash; coins that no entry of
   ours bought are dust, which no decision counts on.
3. Nothing else is posted: what it moved stays unexplained, and keeps entries out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trading.execution.findings import Finding, Strange
from trading.execution.identity import finding_id
from trading.execution.protocol import Move, Movement, Trade
from trading.instruments import Instrument
from trading.ledger.entries import REWARDS, Entry, fill_entry, flow_entry
from trading.ledger.journal import CASH, DEPOSITS, DUST, WITHDRAWALS

ROUNDING_MAX_E8 = 20_000
"""Value and fee of one trade, each cut to the four decimals that a venue keeps of a dollar."""
FLOWS = {Move.DEPOSIT: DEPOSITS, Move.WITHDRAWAL: WITHDRAWALS, Move.REWARD: REWARDS}


class Posted(NamedTuple):
    """What can be posted, what has to wait for the ledger, and what contradicts it."""

    entries: tuple[Entry, ...]
    waiting: tuple[str, ...]
    """Trades whose rows are not all there yet."""
    findings: tuple[Finding, ...]


def post(
    track: str,
    trades: Sequence[Trade],
    movements: Sequence[Movement],
    instruments: Mapping[str, Instrument],
    quote: str,
) -> Posted:
    """The entries of trades of ours that have none yet, and of all flows among `movements`."""
    entries = [_flow(movement, quote) for movement in movements if movement.what in FLOWS and movement.amount]
    waiting: list[str] = []
    findings: list[Finding] = []
    for trade in trades:
        instrument = instruments[trade.instrument]
        rows = [row for row in movements if row.what is Move.TRADE and row.reference == trade.id]
        moved = {asset: sum(r.amount for r in rows if r.asset == asset) for asset in {r.asset for r in rows}}
        if moved.keys() != {instrument.base, instrument.quote}:
            waiting.append(trade.id)
            continue
        wrong = _contradiction(trade, moved[instrument.base], moved[instrument.quote])
        if wrong:
            name = finding_id(track, Strange.CONTRADICTION, f"ledger of {trade.id}")
            findings.append(Finding(name, Strange.CONTRADICTION, trade.instrument, trade.id, wrong))
        else:
            booked = moved[instrument.quote]
            entries.append(
                fill_entry(trade.id, trade.at, instrument, trade.lots, trade.value, trade.fee, booked)
            )
    return Posted(tuple(entries), tuple(waiting), tuple(findings))


def _flow(movement: Movement, quote: str) -> Entry:
    holding = CASH if movement.asset == quote else DUST
    account = FLOWS[movement.what]
    return flow_entry(movement.id, movement.at, account, holding, movement.asset, movement.amount)


def _contradiction(trade: Trade, lots: int, cash: int) -> str:
    """Why the ledger's amounts cannot be this trade's; empty when they are."""
    if lots != trade.lots:
        return f"the ledger moved {lots} lots, the trade {trade.lots}"
    expected = (-trade.value if trade.lots > 0 else trade.value) - trade.fee
    if abs(cash - expected) > ROUNDING_MAX_E8:
        return f"the ledger moved {cash} (1e-8) of money, the trade {expected}"
    return ""
