"""Of five years of real hours, honest quarters leave the size alone, and a planted fault is found."""

from collections.abc import Iterator

import numpy as np
import pytest

from config.universe import load
from tests.integration.test_research_on_real_data import KRAKEN_SHARE, grid, hour
from trading.clock import DAY_H
from trading.evaluation.monitors import Level, moved
from trading.features.compute import compute
from trading.features.library import INDEX, LOOKBACK
from trading.market import Grid
from trading.models.drift import WINDOW_D, Deciles
from trading.models.history import masks
from trading.quality import usability
from trading.universe import eligibility

__all__ = ["grid"]
MONTHS = [(year, month) for year in range(2021, 2025) for month in range(7 if year == 2021 else 1, 13)]
TAUGHT_D, YEAR_D, GAP_H, STRIDE_H = 540, 365, 74, 3

Rows = tuple[Deciles, list[np.ndarray]]


@pytest.fixture(scope="module")
def months(grid: Grid) -> list[Rows]:
    """Of each month the deciles of the 18 before it, and what each of its nights looks back on."""
    return list(_months(grid))


def _months(grid: Grid) -> Iterator[Rows]:
    universe = eligibility(grid, *load(), KRAKEN_SHARE)
    sample, _ = masks(grid, universe, usability(grid)[0])
    panel = compute(grid, universe.eligible)
    wide = np.broadcast_to(panel.market.T[:, None, :], (*grid.close.shape, len(panel.market_names)))
    features = np.concatenate((np.moveaxis(panel.values, 0, 2), wide), axis=2).astype(np.float32)
    known, asof = np.argmax(grid.valid, axis=0), np.arange(grid.hours)
    for year, month in MONTHS:
        begin = hour(year, month) - grid.first
        end = min(hour(year + month // 12, month % 12 + 1) - grid.first, grid.hours)
        teaches = (asof >= max(begin - TAUGHT_D * DAY_H, LOOKBACK)) & (asof < begin - GAP_H)
        teaches &= asof % STRIDE_H == 0
        t, a = np.nonzero(sample & teaches[:, None] & (known + YEAR_D * DAY_H <= begin))
        windows = [slice(night - WINDOW_D * DAY_H, night) for night in range(begin, end, DAY_H)]
        yield Deciles.of(features[t, a], t), [features[span][sample[span]] for span in windows]


@pytest.mark.slow
def test_honest_quarters_are_left_alone(months: list[Rows]) -> None:
    found = [moved(deciles.drift(rows)).level for deciles, nights in months for rows in nights]
    assert len(found) > 1_200
    assert found.count(Level.ALERT) == 0
    assert found.count(Level.WATCH) < 0.08 * len(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["std_24h", "volume_surge_24h", "beta_720h", "atr_14h"])
def test_a_feature_of_ten_times_its_scale_is_found(months: list[Rows], name: str) -> None:
    levels = []
    for deciles, nights in months[::6]:
        for rows in nights[::5]:
            scaled = rows.copy()
            scaled[:, INDEX[name]] *= 10.0
            levels.append(moved(deciles.drift(scaled)).level)
    assert levels.count(Level.ALERT) > 0.7 * len(levels)
