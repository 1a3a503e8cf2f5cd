"""States and decisions as canonical JSON, and back: every number exact, every record named by its instrument.

Records are written as lists in the order of their fields, which the document names, so that a state of many
instruments stays short and another order of fields cannot be misread.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from math import isfinite
from typing import Any, get_type_hints

from trading.backtest.step import Books, EquityRow
from trading.codes import OUTCOMES, REASONS, VERDICTS
from trading.config import TradingConfig, canonical_json
from trading.errors import InvariantError
from trading.portfolio import Account, PortfolioState, Position
from trading.records import blank, fields


def dump_state(state: PortfolioState, instruments: Sequence[str]) -> str:
    """A state as canonical JSON; positions that say nothing are left out."""
    (nothing,) = blank(Position, 1)
    positions = {
        name: astuple(position)
        for name, position in zip(instruments, state.positions, strict=True)
        if position != nothing
    }
    told = {"fields": fields(Position), "account": asdict(state.account), "positions": positions}
    return canonical_json(told).decode()


def parse_state(document: str, instruments: Sequence[str]) -> PortfolioState:
    """A stored state over today's instruments; one that holds an instrument we do not know is refused."""
    told: dict[str, Any] = json.loads(document)
    if told["fields"] != list(fields(Position)):
        raise InvariantError("a state was stored with other fields than this version reads")
    known = told["positions"]
    missing = sorted(name for name in known if name not in instruments and _holds(known[name]))
    if missing:
        raise InvariantError(f"{', '.join(missing)} is held and no longer among the instruments")
    positions = [Position(*known[name]) if name in known else blank(Position, 1)[0] for name in instruments]
    return PortfolioState(Account(**told["account"]), positions)


def _holds(values: Sequence[int]) -> bool:
    position = Position(*values)
    return position.lots + position.dust > 0


def dump_mandate(config: TradingConfig, review_after_h: int) -> str:
    """The rules that a portfolio is under. A replay may lift halts by drawdown `review_after_h` later, as a
    backtest may; 0: never.
    """
    groups = {group: getattr(config, group)._asdict() for group in config._fields}
    return canonical_json({"config": groups, "review_after_h": review_after_h}).decode()


def parse_mandate(document: str) -> tuple[TradingConfig, int]:
    """The configuration, and the hours after which a halt is lifted."""
    told = json.loads(document)
    groups = get_type_hints(TradingConfig)
    config = TradingConfig(**{name: groups[name](**told["config"][name]) for name in TradingConfig._fields})
    return config, told["review_after_h"]


def dump_decision(instruments: Sequence[str], books: Books, facts: Mapping[str, object]) -> str:
    """All that was decided at an asof, with the state that decided it; `facts` say what it rests on.

    Intents are told where there is a verdict or a breach, as in a backtest's log; of every other instrument,
    what kept it out.
    """
    row: EquityRow = books.equity.rows[0]
    intents, approved, why_not = {}, {}, {}
    for a, name in enumerate(instruments):
        intent, order = books.decision.intents[a], books.orders[a]
        if intent.verdict or intent.breach:
            words = {"reason_word": REASONS[intent.reason], "verdict_word": VERDICTS[intent.verdict]}
            intents[name] = {k: _told(v) for k, v in asdict(intent).items()} | words
        else:
            why_not[name] = REASONS[intent.reason]
        if order.lots:
            approved[name] = astuple(order)
    told = {
        **facts,
        "outcome": OUTCOMES[row.outcome],
        "account_at_asof": asdict(row),
        "intents": intents,
        "orders": approved,
        "why_not": why_not,
        "state": json.loads(dump_state(books.state, instruments)),
    }
    return canonical_json(told).decode()


def state_of_decision(document: str, instruments: Sequence[str]) -> PortfolioState:
    """The state as the decision left it: marked, guarded, its memory moved on, nothing filled."""
    return parse_state(json.dumps(json.loads(document)["state"]), instruments)


def _told(value: float | int) -> float | int | None:
    """JSON has no word for what is not a number."""
    return value if isfinite(value) else None


def digest_of(document: str) -> str:
    """SHA-256 of a document's bytes."""
    return hashlib.sha256(document.encode()).hexdigest()


def equity_of(document: str) -> int:
    """Equity at the decision, 1e-8 quote."""
    equity: int = json.loads(document)["account_at_asof"]["equity"]
    return equity


def marks_of(document: str) -> dict[str, int]:
    """The last known price of each instrument at the decision, ticks."""
    told = json.loads(document)["state"]
    at = told["fields"].index("mark")
    return {name: values[at] for name, values in told["positions"].items() if values[at]}
