"""What a comparison found is kept, and what is strange keeps its instrument shut until somebody looked."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.reconciliations import Reconciliations
from tests.stored import NOW, opened
from trading.errors import InvariantError, UsageError
from trading.execution.findings import Finding, Strange
from trading.execution.identity import finding_id


def strange(key: PortfolioKey, reference: str = "OABCDE", note: str = "") -> Finding:
    id = finding_id(str(key), Strange.FOREIGN_ORDER, reference)
    return Finding(id, Strange.FOREIGN_ORDER, "BTC/USD", reference, note)


def store(
    engine: Engine, key: PortfolioKey, hours: int, held: dict[str, int], booked: dict[str, int]
) -> dict[str, int]:
    with unit_of_work(engine, key) as session:
        return Reconciliations(session, key).store(NOW + timedelta(hours=hours), held, booked)


def test_the_last_comparison_says_what_is_unexplained(engine: Engine, key: PortfolioKey) -> None:
    with reading(engine) as session:
        assert Reconciliations(session, key).latest() is None
    assert store(engine, key, 0, {"USD": 5, "BTC": 7}, {"USD": 5, "ETH": 3}) == {"BTC": 7, "ETH": -3}
    with reading(engine) as session:
        assert Reconciliations(session, key).latest() == (NOW, {"BTC": 7, "ETH": -3})
    assert store(engine, key, 1, {"USD": 5}, {"USD": 5}) == {}
    assert store(engine, key, 2, {}, {}) == {}
    with reading(engine) as session:
        assert Reconciliations(session, key).latest() == (NOW + timedelta(hours=2), {})


def test_a_comparison_is_told_once(engine: Engine, key: PortfolioKey) -> None:
    assert store(engine, key, 0, {"USD": 5}, {"USD": 5}) == store(engine, key, 0, {"USD": 5}, {"USD": 5})
    with pytest.raises(InvariantError, match="held 5 / 6"):
        store(engine, key, 0, {"USD": 6}, {"USD": 5})


def test_a_finding_stays_until_a_person_has_looked(engine: Engine, key: PortfolioKey) -> None:
    finding = strange(key)
    with unit_of_work(engine, key) as session:
        found = Reconciliations(session, key)
        assert found.report(finding, NOW)
        assert not found.report(strange(key, note="seen again"), NOW + timedelta(hours=1))
        assert found.unreviewed() == [finding]
    with unit_of_work(engine, key) as session:
        found = Reconciliations(session, key)
        assert found.review(finding.id, "ada", "my own order", NOW)
        assert not found.review(finding.id, "ada", "my own order", NOW + timedelta(hours=1))
        assert found.unreviewed() == []
        assert not found.report(finding, NOW)
        assert found.unreviewed() == []
    with pytest.raises(InvariantError, match="by ada / bob"), unit_of_work(engine, key) as session:
        Reconciliations(session, key).review(finding.id, "bob", "my own order", NOW)


def test_nobody_reviews_what_was_not_found(engine: Engine, key: PortfolioKey) -> None:
    other = opened(engine)
    with unit_of_work(engine, other) as session:
        Reconciliations(session, other).report(strange(other), NOW)
    with pytest.raises(UsageError, match="there is no finding"), unit_of_work(engine, key) as session:
        Reconciliations(session, key).review(strange(other).id, "ada", "", NOW)
