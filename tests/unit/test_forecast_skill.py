"""Figures of forecasts against libraries that were written by others, and against what must be so."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import spearmanr
from sklearn.metrics import brier_score_loss, log_loss

from trading.evaluation import intervals
from trading.evaluation.days import correlation, lags_d, mean, pooled, rank_correlation, slope
from trading.evaluation.intervals import covers
from trading.evaluation.outcomes import rolling_rate
from trading.evaluation.skill import Said, by_bin, calibration_error, calibration_interval, measure
from trading.models.history import History
from trading.models.labels import HORIZONS_H

DAYS, COINS = 120, 6


def said(edge: float = 0.3, seed: int = 1) -> Said:
    """Hourly rows of several coins that move together, and forecasts that know a share of each move."""
    random = np.random.default_rng(seed)
    hours = np.repeat(np.arange(DAYS * 24) + 480_000, COINS)
    known = np.repeat(random.normal(0, 1, DAYS * 24), COINS) + random.normal(0, 1, len(hours))
    returns = 0.01 * (edge * known + random.normal(0, 1, len(hours)))
    p = 1.0 / (1.0 + np.exp(-1.702 * edge * known))
    base = np.full(len(hours), 0.5)
    return Said(hours, p, 0.01 * edge * known, returns, np.full(len(hours), 0.01), base)


@pytest.fixture(scope="module")
def rows() -> Said:
    return said()


def test_brier_and_log_loss_skill_are_those_of_scikit_learn(rows: Said):
    of = measure(rows)
    up = rows.up
    assert of.brier_skill == pytest.approx(1 - brier_score_loss(up, rows.p) / brier_score_loss(up, rows.base))
    assert of.log_skill == pytest.approx(1 - log_loss(up, rows.p) / log_loss(up, rows.base))


def test_errors_are_those_of_statsmodels_grouped_by_day(rows: Said):
    design = np.column_stack((np.ones(len(rows.e)), rows.e))
    day = (rows.asof // 24 - rows.asof.min() // 24).astype(int)
    wanted = sm.OLS(rows.returns, design).fit(
        cov_type="hac-groupsum",
        cov_kwds={"time": day, "maxlags": lags_d(DAYS), "use_correction": False},
    )
    found = pooled(rows.returns, design, rows.asof)
    assert found is not None
    assert [of.value for of in found] == pytest.approx(wanted.params)
    assert [of.error for of in found] == pytest.approx(wanted.bse)
    steep = slope(rows.e, rows.returns, rows.asof)
    assert steep is not None
    assert (steep.value, steep.error) == pytest.approx((wanted.params[1], wanted.bse[1]))


def test_a_correlation_is_pearsons_and_its_t_that_of_the_slope(rows: Said):
    found, steep = correlation(rows.e, rows.returns, rows.asof), slope(rows.e, rows.returns, rows.asof)
    assert found is not None
    assert steep is not None
    assert found.value == pytest.approx(np.corrcoef(rows.e, rows.returns)[0, 1])
    assert found.t == pytest.approx(steep.t)


def test_a_rank_correlation_is_spearmans_hour_by_hour_with_ties(rows: Said):
    e = np.round(rows.e, 2)
    hourly = [
        0.0 if np.ptp(x) == 0 else float(spearmanr(x, y)[0])
        for x, y in zip(e.reshape(-1, COINS), rows.returns.reshape(-1, COINS), strict=True)
    ]
    found = rank_correlation(e, rows.returns, rows.asof)
    assert found is not None
    assert found.value == pytest.approx(np.mean(hourly))


def test_the_same_move_told_by_more_coins_is_no_more_evidence():
    random = np.random.default_rng(3)
    asof = np.arange(DAYS * 24) + 480_000
    x, y = random.normal(0, 1, (2, len(asof)))
    alone = correlation(x, y, asof)
    together = correlation(np.repeat(x, COINS), np.repeat(y, COINS), np.repeat(asof, COINS))
    assert alone is not None
    assert together is not None
    assert together.t == pytest.approx(alone.t)


def test_a_forecast_without_an_edge_shows_none_and_one_with_an_edge_shows_it():
    noise, edge = said(0.0), said(0.3)
    nothing = measure(noise._replace(e=said(0.3, seed=9).e))
    assert nothing.ic is not None
    assert abs(nothing.ic.t or 0.0) < 3
    found = measure(edge)
    assert found.ic is not None
    assert found.e_slope is not None
    assert found.e_slope.value == pytest.approx(1.0, abs=0.1)
    assert (found.ic.t or 0.0) > 5
    assert (found.r_squared or 0.0) > 0.1


def test_a_silent_forecast_has_no_slope_and_no_correlation(rows: Said):
    of = measure(rows._replace(p=rows.base, e=np.zeros_like(rows.e)))
    assert (of.ic, of.reliability, of.e_slope) == (None, None, None)
    assert of.brier_skill == 0.0
    assert of.r_squared == 0.0
    assert of.rank_ic is not None
    assert of.rank_ic.value == 0.0


def test_overconfidence_shows_in_error_and_slope(rows: Said):
    bold = np.clip(0.5 + 3 * (rows.p - 0.5), 0.01, 0.99)
    honest, loud = measure(rows), measure(rows._replace(p=bold))
    assert honest.reliability is not None
    assert loud.reliability is not None
    assert loud.ece > 3 * honest.ece
    assert loud.reliability.value < 0.7 * honest.reliability.value


def test_the_calibration_error_lies_where_the_days_are_resampled(rows: Said):
    low, high = calibration_interval(rows)
    assert 0.0 < low < high < 0.2
    assert calibration_error(np.array([0.2, 0.2, 0.9]), np.array([0.0, 1.0, 1.0])) == pytest.approx(0.7 / 3)


def test_tenths_hold_all_rows_and_rise_with_the_edge(rows: Said):
    tenths = by_bin(rows.e, rows.returns, rows.asof)
    assert sum(of.rows for of in tenths) == len(rows.e)
    came = [of.came.value for of in tenths if of.came]
    assert came[0] < 0 < came[-1]
    assert mean(rows.returns, rows.asof) is not None


def history_of(returns: np.ndarray) -> History:
    """A history of which only returns are known, (hours, instruments, horizons)."""
    hours, coins, _ = returns.shape
    flat, flags = np.zeros((hours, coins)), np.ones((hours, coins), dtype=bool)
    return History(
        first=480_000,
        instruments=tuple("ABC"[:coins]),
        names=(),
        features=np.zeros((hours, coins, 0), dtype=np.float32),
        sigma_24=flat,
        returns=returns,
        scaled=returns,
        held=flat,
        eligible=flags,
        sample=flags,
        predicted=flags,
        known=np.zeros(coins, dtype=np.int64),
    )


@pytest.mark.parametrize("h", range(3))
def test_the_rolling_rate_counts_what_was_settled_before_and_nothing_later(h: int):
    returns = np.random.default_rng(5).normal(0, 1, (200, 3, 3))
    asof = np.array([480_000, 480_100, 480_150])
    rate = rolling_rate(history_of(returns), asof)[:, h]
    settled = returns[: 100 - HORIZONS_H[h], :, h]
    assert rate[0] == 0.5
    assert rate[1] == pytest.approx(((settled > 0).sum() + 1) / (settled.size + 2))
    later = returns.copy()
    later[100 - HORIZONS_H[h] :] *= -1
    assert rolling_rate(history_of(later), asof)[1, h] == rate[1]
    later[100 - HORIZONS_H[h] - 1] *= -1
    assert rolling_rate(history_of(later), asof)[1, h] != rate[1]


def test_intervals_hold_what_they_promise_and_widen_after_misses(rows: Said, monkeypatch: pytest.MonkeyPatch):
    calm = {of.level: of for of in covers(rows) if of.group == "all"}
    for level, of in calm.items():
        assert of.share == pytest.approx(level, abs=0.02)
    assert calm[0.9].width == pytest.approx(1.645 * 0.01, rel=0.1)
    twice = np.where(rows.asof < rows.asof[len(rows.asof) // 2], 1.0, 2.0)
    wilder = rows._replace(returns=rows.returns * twice)
    adapted = [of.share for of in covers(wilder) if of.group == "all"]
    monkeypatch.setattr(intervals, "STEP", 0.0)
    fixed = [of.share for of in covers(wilder) if of.group == "all"]
    assert all(one > other for one, other in zip(adapted, fixed, strict=True))


def test_intervals_see_only_what_is_settled(rows: Said):
    last = rows.asof >= rows.asof[-1] - 24
    other = rows._replace(returns=np.where(last, 9.0, rows.returns))
    same, changed = covers(rows), covers(other)
    assert [of.width for of in same] == [of.width for of in changed]
    assert same != changed
