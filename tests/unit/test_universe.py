"""Each rule of the universe, and hysteresis that remembers nothing."""

import numpy as np
import pytest

from config.universe import load
from trading import universe
from trading.market import Grid
from trading.models.history import masks
from trading.universe import Exclusion, Reason, eligibility, lookback_h

FIRST = 450_000 - 450_000 % 24 + 1
DAYS = 130
LISTS, RULES = load()


def market(assets: int, days: int = DAYS) -> Grid:
    """Calm coins with plenty of volume, more the earlier the column; closes at the middle of the bar."""
    hours = days * 24
    close = np.full((hours, assets), 10.0)
    volume = 1e7 / 24 / 10 * (1.0 + np.arange(assets)[::-1])[None, :] * np.ones((hours, 1))
    names = tuple(f"C{a:02d}/USD" for a in range(assets))
    stale = np.zeros(close.shape, dtype=bool)
    return Grid("test", names, FIRST, close, close * 1.01, close * 0.99, close, volume, stale)


def reasons(grid: Grid, lists=LISTS, scale: float = 1.0) -> np.ndarray:
    return eligibility(grid, lists, RULES, scale).reason


@pytest.mark.parametrize("cells", [1, 3 * DAYS * 24, 5 * DAYS * 24, 1 << 40])
def test_dividing_the_instruments_moves_no_bit(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    grid, numbers = market(7), np.random.default_rng(3)
    grid.close[:] *= 1.0 + numbers.normal(0.0, 0.003, grid.close.shape)
    whole = eligibility(grid, LISTS, RULES, 1.0)
    monkeypatch.setattr(universe, "CELLS_AT_ONCE", cells)
    divided = eligibility(grid, LISTS, RULES, 1.0)
    assert all(np.array(a).tobytes() == np.array(b).tobytes() for a, b in zip(whole, divided, strict=True))
    assert not np.isnan(whole.spread_bp[-1]).any()


def test_a_liquid_old_coin_is_in_from_its_ninetieth_day_on():
    grid = market(1)
    reason = reasons(grid)[:, 0]
    young = np.flatnonzero(reason == Reason.TOO_YOUNG)
    assert young.size == 90
    assert (reason[90:] == Reason.ELIGIBLE).all()
    eligible = eligibility(grid, LISTS, RULES, 1.0).eligible[:, 0]
    midnight = 24 * 91 - 1
    assert not eligible[:midnight].any()
    assert eligible[midnight:].all(), "held from that midnight on"


def test_a_coin_without_bars_is_not_listed_and_one_that_stopped_is_stale():
    grid = market(2)
    for array in (grid.open, grid.high, grid.low, grid.close):
        array[:, 1] = np.nan
        array[24 * 120 :, 0] = np.nan
    reason = reasons(grid)
    assert (reason[:, 1] == Reason.NOT_LISTED).all()
    assert (reason[121:, 0] == Reason.STALE).all()


def test_a_listed_meme_coin_is_out_from_its_effective_day():
    grid = market(1)
    day = 110
    lists = (Exclusion("C00", "meme", FIRST + 23 + 24 * day),)
    reason = reasons(grid, lists)[:, 0]
    assert reason[day - 1] == Reason.ELIGIBLE
    assert (reason[day:] == Reason.EXCLUDED).all()


def test_volume_counts_at_the_scale_of_the_trading_venue():
    grid = market(1)
    assert reasons(grid)[-1, 0] == Reason.ELIGIBLE
    assert reasons(grid, scale=0.05)[-1, 0] == Reason.VOLUME


def test_a_wide_bid_and_ask_is_seen_in_the_bars():
    grid = market(2)
    rng = np.random.default_rng(5)
    middle = 10.0 * np.exp(np.cumsum(rng.normal(0, 2e-3, grid.close.shape), axis=0))
    half = np.array([0.0002, 0.0040])
    side = rng.choice([-1.0, 1.0], grid.close.shape)
    grid.close[:] = middle * (1 + half * side)
    grid.high[:] = middle * (1 + half + 3e-3)
    grid.low[:] = middle * (1 - half - 3e-3)
    universe = eligibility(grid, LISTS, RULES, 1.0)
    assert universe.reason[-1, 0] == Reason.ELIGIBLE
    assert universe.reason[-1, 1] == Reason.SPREAD
    assert universe.spread_bp[-1, 1] == pytest.approx(80, rel=0.15), "twice the half spread of 40 bp"


def test_at_most_fifteen_names_are_in_the_largest_first():
    grid = market(25)
    last = reasons(grid)[-1]
    assert (last[:12] == Reason.ELIGIBLE).all()
    assert (last[12:] == Reason.RANK).all(), "none of them has been among the twelve largest"


def test_a_coin_that_slips_stays_until_it_is_beyond_the_leaving_rank_or_the_month_is_over():
    grid = market(25)
    slip = 24 * 100
    grid.volume[slip:, 11] = grid.volume[0, 13] * 0.999
    reason = reasons(grid)[:, 11]
    slipped = 100 + 15
    assert reason[slipped + 1] == Reason.ELIGIBLE, "rank 14 now, 12 lately"
    deep = market(25, 140)
    deep.volume[slip:, 11] = deep.volume[0, 20] * 0.999
    assert reasons(deep)[slipped + 1, 11] == Reason.RANK, "beyond 18 it leaves at once"


def test_the_window_that_decides_fits_the_live_hour():
    assert lookback_h(RULES) + 23 <= 2_184


def test_the_reviewed_lists_name_what_the_mission_forbids():
    kinds = {entry.base: entry.kind for entry in LISTS}
    assert kinds["DOGE"] == kinds["SHIB"] == kinds["APE"] == "meme"
    assert kinds["PAXG"] == "tokenised"
    assert kinds["USDT"] == kinds["USDC"] == "stablecoin"
    assert kinds["WBTC"] == "wrapped"


def test_training_takes_coins_that_are_merely_small_and_refuses_young_dead_and_forbidden_ones():
    grid = market(4)
    grid.volume[:, 1] = 1.0
    for array in (grid.open, grid.high, grid.low, grid.close):
        array[: 24 * 60, 2] = np.nan
    lists = (Exclusion("C03", "meme", 0),)
    unusable = np.zeros(grid.close.shape, dtype=bool)
    unusable[-5, 0] = True
    sample, asked = masks(grid, eligibility(grid, lists, RULES, 1.0), unusable)
    assert sample[-1].tolist() == [True, True, False, False]
    assert not sample[-5, 0]
    assert not sample[: 24 * 90].any()
    assert asked[-5, 0], "what is held is asked about, whatever its bars"
    assert not (asked[:, 3].any() or asked[: 24 * 90].any())
