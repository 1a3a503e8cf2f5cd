"""A portfolio with a past: hours, marks, decisions, orders, trades, comparisons, written straight as rows."""

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from adapters.audit import Audit, Kind
from adapters.storage.base import Base, PortfolioKey
from adapters.storage.decisions import Approval, StoredDecision
from adapters.storage.engine import unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.hours import DONE, Hour, Mandate, PortfolioHour
from adapters.storage.orders import EventRow, FillRow, OrderRow
from adapters.storage.outbox import Alert
from adapters.storage.portfolios import open_portfolio
from adapters.storage.reconciliations import Reconciliations
from adapters.storage.states import Mark
from config.trading import load
from trading.codes import BREACHES
from trading.live.documents import dump_mandate
from trading.risk.trading_state import ACTIVE, HALTED, Standing

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
UNIT = 100_000_000
EQUITY = 10_000 * UNIT
ROWS_AT_ONCE = 5_000


def with_a_past(
    engine: Engine, portfolio: str = "main", hours: int = 48, trades: int = 6, track: str = "replay-a-1"
) -> PortfolioKey:
    """Store `hours` settled hours, and a limit buy with one fill at each of the first `trades` even hours.

    Equity rises a cent of a thousandth an hour, but dips by 12 % for one hour in the middle.
    """
    key = PortfolioKey(track, portfolio)
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", BEGAN)
    with unit_of_work(engine, key) as session:
        document = dump_mandate(load(), 0)
        _add(session, Mandate, [_owned(key, asof=BEGAN, predictor="trend-vote", **_digested(document))])
        Halts(session, key).change(Standing(HALTED, 0), "opened", "test", BEGAN)
        Halts(session, key).change(Standing(ACTIVE, 1), "first resume", "ada", BEGAN)
        asofs = [BEGAN + timedelta(hours=number) for number in range(hours)]
        _add(session, Mark, [mark(key, asof, number, hours) for number, asof in enumerate(asofs)])
        _add(
            session,
            PortfolioHour,
            [_hour(key, asof, 2 * trades > number) for number, asof in enumerate(asofs)],
        )
        if portfolio == "main":
            done = {"outcome": DONE, "reason": "", "portfolios": 1, "settled": 1}
            _add(session, Hour, [{"track": track, "asof": asof, "ended": asof, **done} for asof in asofs])
        _trades(session, key, [asofs[2 * number] for number in range(trades)])
        _add(session, Alert, [_alert(key, asofs[-1])])
        Reconciliations(session, key).store(asofs[-1], {"USD": EQUITY, "BTC": 5}, {"USD": EQUITY, "BTC": 3})
        Audit(session).append(track, Kind.HALT_STATE, portfolio, b'{"state":"ACTIVE","epoch":1}')
    return key


def _trades(session: Session, key: PortfolioKey, asofs: list[datetime]) -> None:
    """One approved buy at each asof, sent and filled whole; and one that was denied."""
    decided = [
        _owned(key, asof=a, outcome="TRADED", halt_epoch=1, decided=a, **_digested("{}")) for a in asofs
    ]
    _add(session, StoredDecision, decided)
    common = {"reason": "signal", "limit": 600_000, "stop": 570_000, "take": 0, "trail": 0}
    bought = {
        "verdict": "shrunk",
        "breach": 1 << BREACHES.index("EXPOSURE"),
        "wanted_lots": 1500,
        "lots": 1000,
    }
    denied = {"verdict": "denied", "breach": 1 << BREACHES.index("CLUSTER"), "wanted_lots": 700, "lots": 0}
    verdicts = [("BTC/USD", bought), ("ETH/USD", denied)]
    _add(
        session,
        Approval,
        [_owned(key, asof=a, instrument=name, **said, **common) for a in asofs for name, said in verdicts],
    )
    ids = [uuid5(NAMESPACE_URL, f"{key}{asof}") for asof in asofs]
    placed = {"instrument": "BTC/USD", "approved_lots": 1000, "kind": "limit", "lots": 1000, "price": 600_000}
    over = {"stop": 570_000, "state": "filled", "ended": True}
    _add(
        session,
        OrderRow,
        [
            _owned(
                key,
                id=id,
                number=n,
                asof=a,
                expires=a + timedelta(minutes=56),
                venue_id=f"O-{n}",
                **placed,
                **over,
            )
            for n, (id, a) in enumerate(zip(ids, asofs, strict=True), 1)
        ],
    )
    amounts = {"instrument": "BTC/USD", "lots": 1000, "ticks": 599_990, "value": 59_999_000, "fee": 239_996}
    _add(
        session,
        FillRow,
        [
            _owned(key, trade_id=f"T-{n:06}", id=id, venue_id=f"O-{n}", maker=True, at=_filled(a), **amounts)
            for n, (id, a) in enumerate(zip(ids, asofs, strict=True), 1)
        ],
    )
    events = itertools.chain.from_iterable(
        (
            _event(key, id, 0, "sent", a, deadline=a + timedelta(seconds=10)),
            _event(key, id, 1, "accepted", a),
            _event(key, id, 2, "traded", _filled(a), trade_id=f"T-{n:06}"),
        )
        for n, (id, a) in enumerate(zip(ids, asofs, strict=True), 1)
    )
    _add(session, EventRow, list(events))


def _filled(asof: datetime) -> datetime:
    return asof + timedelta(minutes=30)


def _event(key: PortfolioKey, id: Any, number: int, what: str, at: datetime, **more: Any) -> dict[str, Any]:
    empty = {"note": "", "venue_id": "", "deadline": None, "trade_id": None}
    return _owned(key, id=id, number=number, what=what, at=at, **{**empty, **more})


def mark(key: PortfolioKey, asof: datetime, number: int, hours: int) -> dict[str, Any]:
    equity = EQUITY + number * 1_000
    peak = equity
    if number == hours // 2:
        equity = equity * 88 // 100
    return _owned(
        key,
        asof=asof,
        equity=equity,
        units=EQUITY,
        cash=equity - equity // 10,
        exposure=equity // 10,
        positions=1,
        flow=0,
        peak=peak,
        lifetime_peak=peak,
        tier=1 if equity < peak else 0,
        triggers=0,
        state=ACTIVE,
        halt_epoch=1,
        halt="",
        at=asof,
    )


def _hour(key: PortfolioKey, asof: datetime, traded: bool) -> dict[str, Any]:
    outcome = "TRADED" if traded else "NO_CHANGE"
    return _owned(key, asof=asof, outcome=outcome, reason="", fills=int(traded), settled=True, ended=asof)


def _alert(key: PortfolioKey, at: datetime) -> dict[str, Any]:
    name = f"late-hour/{key.portfolio}"
    return {
        "track": key.track,
        "alert": name,
        "kind": "late-hour",
        "portfolio": key.portfolio,
        "message": "an hour began late",
        "at": at,
    }


def _digested(document: str) -> dict[str, str]:
    return {"document": document, "digest": hashlib.sha256(document.encode()).hexdigest()}


def _owned(key: PortfolioKey, **values: Any) -> dict[str, Any]:
    return {**key._asdict(), **values}


def _add(session: Session, row: type[Base], rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        session.execute(insert(row), rows[start : start + ROWS_AT_ONCE])
