"""The first decision wins for ever, and every verdict is kept with it."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Approval, Decisions, StoredDecision, approvals_of
from adapters.storage.engine import reading, unit_of_work
from tests.stored import NOW, approval_of, decision_of
from trading.codes import DENIED, EXPECTED_RETURN, KEPT, MINIMUM, REVERSAL, VERDICTS
from trading.errors import InvariantError
from trading.portfolio import Decision
from trading.risk.approve import no_orders


def store(
    engine: Engine, key: PortfolioKey, decision: StoredDecision, *approvals: Approval
) -> StoredDecision:
    with unit_of_work(engine, key) as session:
        return Decisions(session, key).store(decision, approvals)


def test_the_first_stored_decision_of_an_asof_wins_for_ever(engine: Engine, key: PortfolioKey) -> None:
    first = store(engine, key, decision_of(key, '{"a":1}'), approval_of(key, 1000))
    second = store(engine, key, decision_of(key, '{"a":2}'), approval_of(key, 900))
    assert first.document == second.document == '{"a":1}'
    with reading(engine) as session:
        assert [row.lots for row in Decisions(session, key).approvals(NOW)] == [1000]


def test_another_hour_and_another_portfolio_decide_for_themselves(engine: Engine, key: PortfolioKey) -> None:
    store(engine, key, decision_of(key, '{"a":1}'))
    later = NOW + timedelta(hours=1)
    assert store(engine, key, decision_of(key, '{"a":2}', asof=later)).document == '{"a":2}'
    with reading(engine) as session:
        assert Decisions(session, PortfolioKey(key.track, "other")).at(NOW) is None


def test_a_decision_whose_digest_is_not_its_document_is_not_stored(engine: Engine, key: PortfolioKey) -> None:
    with pytest.raises(InvariantError, match="does not have its digest"):
        store(engine, key, decision_of(key, digest="0" * 64))


def test_a_decision_comes_back_as_it_went_in(engine: Engine, key: PortfolioKey) -> None:
    kept = decision_of(key, '{"größe":1.5}')
    told = kept.facts()
    store(engine, key, kept)
    with reading(engine) as session:
        stored = Decisions(session, key).at(NOW)
        assert stored is not None
        assert stored.facts() == told
        assert stored.asof.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "offence",
    [
        {"verdict": "none"},
        {"verdict": "denied"},
        {"verdict": "kept", "lots": 0},
        {"lots": 1001, "wanted_lots": 1000},
        {"lots": -1000, "wanted_lots": 1000},
        {"asof": NOW + timedelta(hours=1)},
    ],
    ids=["no verdict", "denied with lots", "kept without", "grown", "turned round", "without a decision"],
)
def test_risk_can_only_keep_shrink_or_deny(
    engine: Engine, key: PortfolioKey, offence: dict[str, object]
) -> None:
    with pytest.raises(InvariantError, match="the database refuses"):
        store(engine, key, decision_of(key), approval_of(key, **offence))
    with reading(engine) as session:
        assert Decisions(session, key).at(NOW) is None


def test_everything_that_got_a_verdict_becomes_a_row(engine: Engine, key: PortfolioKey) -> None:
    decision, orders = Decision.blank(4), no_orders(4)
    bought, denied, sold = decision.intents[0], decision.intents[1], decision.intents[3]
    bought.verdict, bought.reason, bought.lots = KEPT, EXPECTED_RETURN, 50
    denied.verdict, denied.reason, denied.lots, denied.breach = DENIED, EXPECTED_RETURN, 3, MINIMUM
    sold.verdict, sold.reason, sold.lots = KEPT, REVERSAL, -20
    orders[0].lots, orders[0].limit, orders[0].stop, orders[3].lots = 50, 900, 800, -20
    rows = approvals_of(key, NOW, ["A/USD", "B/USD", "C/USD", "D/USD"], decision, orders)
    store(engine, key, decision_of(key), *rows)
    with reading(engine) as session:
        stored = Decisions(session, key).approvals(NOW)
    assert [(row.instrument, row.verdict, row.lots) for row in stored] == [
        ("A/USD", VERDICTS[KEPT], 50),
        ("B/USD", VERDICTS[DENIED], 0),
        ("D/USD", VERDICTS[KEPT], -20),
    ]
    assert [row.breach for row in stored] == [0, MINIMUM, 0]
    assert stored[0].stop == 800
