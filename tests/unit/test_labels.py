"""Labels start where a decision can first trade and end where a price was seen."""

import numpy as np
import pytest

from trading.market import Grid
from trading.models.labels import CLIP_SIGMA, labels
from trading.models.weights import HALF_LIFE_D, row_weights

HOURS = 80


def market() -> Grid:
    rng = np.random.default_rng(2)
    opens = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (HOURS, 2)), axis=0))
    stale = np.zeros(opens.shape, dtype=bool)
    other = np.full(opens.shape, 7.0)
    return Grid("test", ("BTC/USD", "ETH/USD"), 450_000, opens, other, other, other, other, stale)


def sigma(value: float = 0.05) -> np.ndarray:
    return np.full((HOURS, 2), value)


@pytest.mark.parametrize("horizon_h", [1, 4, 24])
def test_a_return_runs_from_the_next_open_to_the_open_h_hours_later(horizon_h: int):
    grid = market()
    (label,) = labels(grid, (horizon_h,), sigma())
    ln = np.log(grid.open)
    known = HOURS - horizon_h - 1
    np.testing.assert_allclose(label.returns[:known], ln[1 + horizon_h :] - ln[1:-horizon_h], atol=1e-15)
    assert np.isnan(label.returns[known:]).all(), "not settled yet"
    assert label.end(grid.first) == grid.first + horizon_h


def test_the_scaled_target_is_in_sigmas_of_the_horizon_and_clipped():
    grid = market()
    (label,) = labels(grid, (4,), sigma())
    wanted = label.returns / (0.05 * np.sqrt(4 / 24))
    np.testing.assert_allclose(label.scaled[:75], wanted[:75], rtol=1e-14)
    (tight,) = labels(grid, (4,), sigma(1e-6))
    assert set(np.unique(np.abs(tight.scaled[:75]))) == {CLIP_SIGMA}


def test_a_label_that_touches_a_stale_or_masked_bar_is_unknown_and_no_other_is():
    grid = market()
    grid.stale[40, 0] = True
    grid.open[50, 1] = np.nan
    (label,) = labels(grid, (4,), sigma())
    for column, hole in ((0, 40), (1, 50)):
        unknown = np.flatnonzero(np.isnan(label.returns[: HOURS - 5, column]))
        assert unknown.tolist() == list(range(hole - 5, hole))


def test_compiled_and_plain_labels_have_the_same_bits():
    grid = market()
    grid.stale[40, 0] = True
    fast, slow = labels(grid, (1, 24), sigma()), labels(grid, (1, 24), sigma(), plain=True)
    for one, two in zip(fast, slow, strict=True):
        assert one.returns.tobytes() == two.returns.tobytes()
        assert one.scaled.tobytes() == two.scaled.tobytes()


def test_every_hour_has_one_voice_however_many_coins_it_has():
    asof = np.array([100, 100, 100, 103, 106, 106])
    weights = row_weights(asof, 24, 106)
    by_hour = np.bincount(asof - 100, weights=weights)[[0, 3, 6]]
    np.testing.assert_allclose(by_hour, 1 / 24, rtol=1e-3)


def test_a_row_counts_half_after_the_half_life():
    now = 900_000
    old, new = row_weights(np.array([now - HALF_LIFE_D * 24, now]), 4, now)
    assert old == pytest.approx(new / 2)
    assert new == pytest.approx(1 / 4)
