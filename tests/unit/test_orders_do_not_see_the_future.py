"""Decisions before a bar changed stay the same, and a planted leak of any stage is caught."""

from functools import partial

import numpy as np
import pytest

from config import instruments, trading, universe
from tests.worlds import market
from trading.backtest.inputs import Scene, scene
from trading.clock import DAY_H
from trading.evaluation import orders as suite
from trading.evaluation.worlds import seen, window
from trading.market import Grid
from trading.models.history import History
from trading.universe import eligibility

CONFIG, OTHER = trading.load("mission"), trading.fee_presets()["kraken-2026-07"]


@pytest.fixture(scope="module")
def bars() -> Grid:
    return window(market(0.0))


def staged(grid: Grid, first: int, early_h: int = 0) -> Scene:
    """The market; its eligibility may be that of some hours later."""
    venue = trading.data_venues()["generated"]
    held = eligibility(grid, *universe.load(), venue.volume_scale)
    ahead = np.roll(held.eligible, -early_h, axis=0)
    held = held._replace(eligible=ahead)
    return scene(grid, [instruments.grid_for(name) for name in grid.instruments], venue, held, first)


def a_day_early(grid: Grid) -> History:
    history = seen(grid)
    return history._replace(features=np.concatenate((history.features[DAY_H:], history.features[-DAY_H:])))


def unheard(what: str) -> None:
    """Nobody watches."""


def desk(early_h: int = 0) -> suite.Desk:
    return suite.Desk(CONFIG, OTHER, partial(staged, early_h=early_h))


def test_no_portfolio_decides_orders_or_owns_anything_else(bars: Grid):
    others, enough = suite.orders(bars, desk(), unheard)
    assert others.holds, others
    assert enough.holds, enough


def test_features_that_show_the_next_day_change_orders(bars: Grid):
    assert not suite.orders(bars, desk(), unheard, a_day_early)[0].holds


def test_a_universe_of_tomorrow_changes_orders(bars: Grid):
    assert not suite.orders(bars, desk(early_h=20 * DAY_H), unheard)[0].holds
