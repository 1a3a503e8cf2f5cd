"""The benchmark policies on markets whose right answer is plain to see."""

import numpy as np
import pytest

from trading.errors import UsageError
from trading.market import Grid
from trading.policies.benchmarks import CHANNELS_D, LOOKBACK_H, POLICIES, signals
from trading.policies.indicators import above_mean

FIRST = 450_024 - 450_024 % 24
DAYS = 160


def market(daily: np.ndarray, first: int = FIRST) -> Grid:
    """A grid whose hours repeat the daily closes (days, instruments); bitcoin first."""
    close = np.repeat(np.asarray(daily, dtype=float), 24, axis=0)
    names = ("BTC/USD", "ETH/USD", "XRP/USD")[: close.shape[1]]
    still = np.zeros(close.shape, dtype=bool)
    parts = (close.copy() for _ in range(4))
    return Grid("test", names, first + 1 - 24, *parts, np.ones_like(close), still)


def paths(*growth: float) -> np.ndarray:
    """Daily closes that grow by a constant rate each."""
    return 100.0 * (1.0 + np.array(growth)) ** np.arange(DAYS)[:, None]


def everything(grid: Grid) -> np.ndarray:
    return np.ones(grid.close.shape, dtype=bool)


def test_signals_come_one_a_day_at_midnight():
    grid = market(paths(0.01, 0.0))
    for name in POLICIES:
        given = signals(name, grid, everything(grid))
        assert given.day_first % 24 == 0
        assert given.enter.shape == (DAYS, 2), name


def test_an_unknown_policy_is_refused_and_the_known_ones_named():
    grid = market(paths(0.01))
    with pytest.raises(UsageError, match="trend-vote"):
        signals("moon", grid, everything(grid))


def test_cash_never_acts():
    grid = market(paths(0.01, 0.02))
    given = signals("cash", grid, everything(grid))
    assert not given.enter.any()
    assert not given.weight.any()


def test_constant_bitcoin_wants_a_fifth_in_bitcoin_every_day_and_nothing_else():
    grid = market(paths(-0.01, 0.02))
    given = signals("btc", grid, np.zeros(grid.close.shape, dtype=bool))
    assert given.portfolio_rules_only
    assert given.rebalance[:, 0].all()
    assert (given.weight[:, 0] == 0.20).all()
    assert not given.weight[:, 1].any()


def test_the_basket_renews_on_the_first_of_a_month_with_equal_eligible_shares():
    grid = market(paths(0.01, 0.0, -0.01))
    eligible = everything(grid)
    eligible[:, 2] = False
    given = signals("basket", grid, eligible)
    days = (np.arange(DAYS) * 24 + given.day_first) * np.timedelta64(3600, "s") + np.datetime64(0, "s")
    first_of_month = days.astype("datetime64[D]") == days.astype("datetime64[M]").astype("datetime64[D]")
    acts = given.rebalance.any(axis=1)
    assert not (acts & ~first_of_month).any()
    assert acts[first_of_month][1:].all()
    assert np.allclose(given.weight[acts][:, :2], 0.10)
    assert given.leave[acts][:, 2].all()


def test_trend_a_rides_a_rise_and_leaves_a_fall():
    grid = market(paths(0.01, -0.01))
    given = signals("trend-a", grid, everything(grid))
    assert given.enter[60:, 0].all()
    assert not given.enter[:, 1].any()
    assert given.leave[60:, 1].all()
    assert not given.leave[60:, 0].any()


def test_trend_a_enters_only_what_the_universe_allows():
    grid = market(paths(0.01, 0.01))
    eligible = everything(grid)
    eligible[:, 1] = False
    assert not signals("trend-a", grid, eligible).enter[:, 1].any()


def test_trend_b_turns_each_channel_on_at_a_new_high_and_off_below_its_middle():
    daily = np.full((DAYS, 1), 100.0)
    daily[130:] = 110.0
    daily[135:] = 104.0
    given = signals("trend-b", market(daily), np.ones((DAYS * 24, 1), dtype=bool))
    assert given.channel_up[130, 0] == 0b111
    assert given.channel_up[131, 0] == 0, "the new high is in the channel now"
    assert given.channel_down[135, 0] == 0b111, "104 is under the middle of 100 and 110"
    assert not given.channel_down[130:135].any()
    assert given.enter[130, 0] == 1
    assert len(CHANNELS_D) == 3


def test_trend_vote_buys_the_rising_coin_only_while_bitcoin_rises_too():
    rising = signals("trend-vote", market(paths(0.01, 0.02)), np.ones((DAYS * 24, 2), dtype=bool))
    assert rising.enter[100:, 1].all()
    alone = signals("trend-vote", market(paths(-0.01, 0.02)), np.ones((DAYS * 24, 2), dtype=bool))
    assert not alone.enter.any()
    assert alone.leave[100:, 0].all()
    assert not alone.leave[100:, 1].any()


def test_trend_vote_sizes_by_volatility_within_its_bounds():
    wild = np.ones(DAYS)
    wild[1::2] = 1.2
    steady = paths(0.01, 0.01)
    steady[:, 1] *= wild
    given = signals("trend-vote", market(steady), np.ones((DAYS * 24, 2), dtype=bool))
    assert given.weight[-1, 0] == pytest.approx(0.03), "no volatility: the largest size"
    assert given.weight[-1, 1] == pytest.approx(0.01), "a fifth a day: the smallest"
    assert (given.stop == 0.15).all()
    assert (given.trail == 0.15).all()


@pytest.mark.parametrize(("name", "days"), [("trend-a", 50), ("trend-vote", 100)])
def test_the_oldest_day_of_the_window_has_its_say(name: str, days: int):
    # The last close is above the mean of all days, and below it without the first.
    daily = np.full((days, 1), 100.0)
    daily[0] = 50.0
    daily[-1] = 99.9
    whole = market(daily)
    assert LOOKBACK_H[name] == whole.hours
    cut = whole.rows(whole.first + 24, whole.last + 1)
    above = [above_mean(grid.close[23::24], days)[-1, 0] for grid in (whole, cut)]
    assert above == [True, False]


def test_the_oldest_hour_of_the_longest_channel_has_its_say():
    daily = np.full((121, 1), 100.0)
    whole = market(daily)
    whole.high[0] = 120.0
    whole.close[-1] = 110.0
    cut = whole.rows(whole.first + 1, whole.last + 1)
    assert LOOKBACK_H["trend-b"] == whole.hours
    inside = signals("trend-b", whole, everything(whole)).channel_up[-1, 0]
    outside = signals("trend-b", cut, everything(cut)).channel_up[-1, 0]
    assert (inside, outside) == (0b011, 0b111)


def test_nothing_is_sold_while_its_price_is_unknown():
    daily = paths(-0.01, -0.02)
    daily[150:, 1] = np.nan
    for name in ("trend-a", "trend-vote", "basket"):
        assert not signals(name, market(daily), np.ones((DAYS * 24, 2), dtype=bool)).leave[150:, 1].any()
