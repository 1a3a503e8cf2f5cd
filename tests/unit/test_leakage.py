"""The leakage suite finds what was planted and nothing where nothing is."""

import numpy as np
import pytest

from tests.worlds import market
from trading.evaluation import leakage as suite
from trading.evaluation.worlds import moves, seen, window, world
from trading.market import Grid
from trading.models.families import FAMILIES
from trading.models.history import History

QUIET = ("lightgbm", "regime", "dissimilarity")


def unheard(what: str) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def bars() -> Grid:
    return window(market(0.0))


@pytest.fixture(scope="module")
def edge(bars: Grid) -> History:
    return seen(world(bars, moves(bars), 7, suite.MOMENTUM))


def one_bar_early(grid: Grid) -> History:
    """Rows whose features are those of the bar that has not closed yet."""
    history = seen(grid)
    return history._replace(features=np.concatenate((history.features[1:], history.features[-1:])))


def centred(grid: Grid) -> History:
    """Rows scaled by the mean over the whole grid, as a careless scaler would."""
    history = seen(grid)
    return history._replace(features=history.features - np.nanmean(history.features, axis=0))


def held(checks: list[suite.Check]) -> dict[str, bool]:
    return {check.name: check.holds for check in checks}


def test_features_fits_and_predictions_do_not_see_the_future(bars: Grid):
    checks = suite.perturbed(bars, QUIET, seen, unheard)
    assert len(checks) == 1 + 2 * len(QUIET)
    assert all(held(checks).values())


@pytest.mark.parametrize("leak", [one_bar_early, centred])
def test_a_planted_leak_is_caught_when_later_bars_change(bars: Grid, leak: suite.See):
    found = held(suite.perturbed(bars, ("lightgbm",), leak, unheard))
    assert not found["features before the change, when later bars change"]
    assert not all(found.values())


def test_a_planted_leak_is_caught_when_hours_are_seen_alone(bars: Grid, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suite, "HOURS_ALONE", 6)
    assert all(held(suite.alone(bars, seen, unheard)).values())
    assert not all(held(suite.alone(bars, one_bar_early, unheard)).values())


def test_features_that_show_the_next_bar_explode(edge: History):
    shifts = suite.shifted(edge, suite.fold_of(edge), unheard)
    assert all(held(suite.judged(shifts)).values())
    early = [(bars, ic, day) if bars else (0, shifts[0][1], day) for bars, ic, day in shifts]
    assert not held(suite.judged(early))["... and the honest ones do not"]


def test_true_labels_teach_the_planted_edge_and_shuffled_ones_do_not(
    edge: History, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(suite, "DRAWS", 6)
    fold = suite.fold_of(edge)
    honest = suite.correlation(edge, suite.DAY, suite.answers(edge, fold, suite.LEARNER))
    assert honest > suite.planted_correlation(edge, fold) / 2 > 0.1
    found, paid = suite.shuffles(edge, fold, unheard)
    assert honest > max(found)
    _, bought, came = suite.midnights(edge, suite.answers(edge, fold, suite.LEARNER))
    assert came[bought].mean() - came.mean() > max(paid) + suite.COST


def test_a_world_has_the_hours_of_the_bars_and_no_direction(bars: Grid):
    drawn = moves(bars)
    made = world(bars, drawn, 3)
    assert (made.close.shape, made.instruments, made.first) == (
        bars.close.shape,
        bars.instruments,
        bars.first,
    )
    assert (made.high >= np.maximum(made.open, made.close)).all()
    assert (made.low <= np.minimum(made.open, made.close)).all()
    returns = np.diff(np.log(made.close), axis=0)
    real = np.diff(np.log(bars.close), axis=0)
    assert np.std(returns) == pytest.approx(np.std(real), rel=0.1)
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(np.corrcoef(real.T)[0, 1], abs=0.1)
    assert abs(np.corrcoef(returns[1:, 0], returns[:-1, 0])[0, 1]) < 0.06
    assert not np.array_equal(made.close, world(bars, drawn, 4).close)


@pytest.mark.slow
def test_the_whole_suite_passes_on_a_market_without_a_leak(bars: Grid):
    of = suite.leakage(bars, FAMILIES, unheard)
    assert all(held(of.checks).values()), of.checks
