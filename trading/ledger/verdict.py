"""Has the record met its targets? One rule, fixed before any record was seen, that nobody edits afterwards.

MET: every check holds. INCONCLUSIVE: the point targets hold, but a statistical bound fails or is not known.
NOT MET: anything else. A record that is too short, or that saw no falling year, cannot be conclusive.
"""

from typing import Literal, NamedTuple

Outcome = Literal["MET", "NOT MET", "INCONCLUSIVE"]

CAGR_MIN = 0.20
SHARPE_MIN = 1.2
MONTHLY_DRAWDOWN_MAX = 0.10
DRAWDOWN_MAX = 0.20
SHARE_MAX = 0.50
DSR_MIN = 0.95
PBO_MAX = 0.20
YEARS_MIN = 3.0


class Evidence(NamedTuple):
    """What the rule looks at, for one fee schedule; None is a figure that was not measured."""

    years: float
    bear_years: int
    """Calendar years of the record in which constant 20 % bitcoin lost money."""
    cagr: float
    sharpe: float
    max_monthly_drawdown: float
    max_drawdown: float
    largest_year_share: float | None
    """Largest calendar year's share of the profit; None without a profit."""
    largest_coin_share: float | None
    sharpe_double_cost: float | None
    sharpe_low: float
    """Lower end of the 90 % bootstrap interval."""
    sharpe_gain_low: float | None
    """The same of the paired difference to constant 20 % bitcoin."""
    dsr: float
    """With every logged trial."""
    pbo: float | None


class Check(NamedTuple):
    """One line of the rule."""

    name: str
    wanted: str
    value: float | None
    holds: bool | None
    """None where the value is not known."""
    point: bool
    """A point target; otherwise a statistical bound."""


class Verdict(NamedTuple):
    outcome: Outcome
    checks: tuple[Check, ...]


def performance_verdict(headline: Evidence, beside: Evidence | None) -> Verdict:
    """The outcome of the headline fees, and of the venue's own schedule beside it: MET needs both."""
    checks = _checks(headline)
    other = None if beside is None else _outcome(_checks(beside)) == "MET"
    checks.append(Check("the venue's own fee schedule", "MET too", None, other, point=False))
    return Verdict(_outcome(checks), tuple(checks))


def _outcome(checks: list[Check]) -> Outcome:
    if any(check.point and check.holds is False for check in checks):
        return "NOT MET"
    return "MET" if all(check.holds for check in checks) else "INCONCLUSIVE"


def _checks(of: Evidence) -> list[Check]:
    return [
        _at_least("net growth a year", of.cagr, CAGR_MIN, point=True),
        _at_least("Sharpe ratio", of.sharpe, SHARPE_MIN, point=True),
        _below("worst monthly drawdown", of.max_monthly_drawdown, MONTHLY_DRAWDOWN_MAX),
        _below("maximum drawdown", of.max_drawdown, DRAWDOWN_MAX),
        _above_zero("Sharpe ratio at twice the cost", of.sharpe_double_cost, point=True),
        _at_most("largest year's share of profit", of.largest_year_share, SHARE_MAX, point=True),
        _at_most("largest coin's share of profit", of.largest_coin_share, SHARE_MAX, point=True),
        _above_zero("Sharpe ratio, lower 90 % bound", of.sharpe_low, point=False),
        _above_zero("Sharpe gain over 20 % bitcoin, lower 90 % bound", of.sharpe_gain_low, point=False),
        _at_least("deflated Sharpe ratio", of.dsr, DSR_MIN, point=False),
        _at_most("probability of overfitting", of.pbo, PBO_MAX, point=False),
        _at_least("years out of sample", of.years, YEARS_MIN, point=False),
        _at_least("falling years among them", float(of.bear_years), 1.0, point=False),
    ]


def _at_least(name: str, value: float, bound: float, *, point: bool) -> Check:
    return Check(name, f"at least {bound:g}", value, value >= bound, point)


def _at_most(name: str, value: float | None, bound: float, *, point: bool) -> Check:
    return Check(name, f"at most {bound:g}", value, None if value is None else value <= bound, point)


def _below(name: str, value: float, bound: float) -> Check:
    return Check(name, f"below {bound:g}", value, value < bound, point=True)


def _above_zero(name: str, value: float | None, *, point: bool) -> Check:
    return Check(name, "above 0", value, None if value is None else value > 0, point)
