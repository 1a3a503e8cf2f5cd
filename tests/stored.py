"""Rows for tests of the database: a portfolio that stands, a decision, an approval."""

import hashlib
import itertools
from datetime import UTC, datetime

from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Approval, StoredDecision
from adapters.storage.engine import unit_of_work
from adapters.storage.portfolios import open_portfolio

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNT = itertools.count()


def opened(engine: Engine) -> PortfolioKey:
    """Another portfolio, with nothing in it."""
    key = PortfolioKey("paper-a", f"p{next(COUNT)}")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW)
    return key


def decision_of(key: PortfolioKey, document: str = "{}", **changes: object) -> StoredDecision:
    digest = hashlib.sha256(document.encode()).hexdigest()
    values = {"asof": NOW, "outcome": "TRADED", "halt_epoch": 1, "decided": NOW, "digest": digest}
    return StoredDecision(**key._asdict(), document=document, **{**values, **changes})


def approval_of(key: PortfolioKey, lots: int = 1000, **changes: object) -> Approval:
    values = {
        **{"asof": NOW, "instrument": "BTC/USD", "verdict": "kept" if lots else "denied", "breach": 0},
        **{"reason": "expected return", "wanted_lots": lots or 7, "lots": lots, "limit": 600_000},
        **{"stop": 570_000, "take": 0, "trail": 0},
    }
    return Approval(**key._asdict(), **{**values, **changes})
