"""The rule of acceptance, line by line."""

import pytest

from trading.ledger.verdict import Evidence, performance_verdict

GOOD = Evidence(
    years=3.5,
    bear_years=1,
    cagr=0.25,
    sharpe=1.5,
    max_monthly_drawdown=0.06,
    max_drawdown=0.12,
    largest_year_share=0.45,
    largest_coin_share=0.30,
    sharpe_double_cost=0.4,
    sharpe_low=0.3,
    sharpe_gain_low=0.1,
    dsr=0.96,
    pbo=0.1,
)


def outcome(**changes):
    return performance_verdict(GOOD._replace(**changes), GOOD).outcome


def test_met_needs_every_check():
    assert outcome() == "MET"
    assert outcome(cagr=0.20, sharpe=1.2, dsr=0.95, pbo=0.20, largest_year_share=0.5, years=3.0) == "MET"


@pytest.mark.parametrize(
    "miss",
    [
        {"cagr": 0.1999},
        {"sharpe": 1.19},
        {"max_monthly_drawdown": 0.10},
        {"max_drawdown": 0.20},
        {"sharpe_double_cost": 0.0},
        {"largest_year_share": 0.51},
        {"largest_coin_share": 0.51},
    ],
    ids=lambda miss: next(iter(miss)),
)
def test_a_missed_point_target_is_not_met_whatever_else_holds(miss):
    assert outcome(**miss) == "NOT MET"
    assert outcome(**miss, dsr=0.1) == "NOT MET"


@pytest.mark.parametrize(
    "miss",
    [
        {"sharpe_low": 0.0},
        {"sharpe_gain_low": -0.1},
        {"dsr": 0.949},
        {"pbo": 0.21},
        {"years": 2.9},
        {"bear_years": 0},
        {"pbo": None},
        {"sharpe_gain_low": None},
        {"sharpe_double_cost": None},
    ],
    ids=lambda miss: "-".join(f"{k}={v}" for k, v in miss.items()),
)
def test_a_missed_or_unknown_bound_is_inconclusive(miss):
    assert outcome(**miss) == "INCONCLUSIVE"


def test_the_venues_own_fees_must_be_met_too():
    assert performance_verdict(GOOD, GOOD._replace(cagr=0.19)).outcome == "INCONCLUSIVE"
    assert performance_verdict(GOOD, None).outcome == "INCONCLUSIVE"
    assert performance_verdict(GOOD._replace(cagr=0.19), GOOD).outcome == "NOT MET"


def test_every_check_says_what_it_wanted_and_what_it_saw():
    checks = performance_verdict(GOOD, GOOD).checks
    assert len(checks) == 14
    assert [c.name for c in checks if c.value is None] == ["the venue's own fee schedule"]
