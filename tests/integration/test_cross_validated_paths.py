"""Trees in cross-validation find what was planted and know nothing of the groups that they are asked of."""

import numpy as np
import pytest

from adapters import crossing as module
from adapters.crossing import EMBARGO_H, Crossing, answers, asked, crossed, crossing
from adapters.training import Walk
from tests.worlds import market, walk_over
from trading.models.combinatorial import paths, splits

DAY = 2
"""Of the horizons."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return walk_over(market(0.6), tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def cut(walk: Walk) -> Crossing:
    made = crossing(walk, embargo_h=48)
    assert made is not None
    return made


def truth(cut: Crossing, group: int) -> np.ndarray:
    return cut.history.scaled[*asked(cut, group), DAY]


def test_a_planted_edge_is_found_in_both_tested_groups(cut: Crossing):
    for group, said in answers(cut, splits()[9]).items():
        came = truth(cut, group)
        known = ~np.isnan(came)
        assert np.corrcoef(said["e24"][known], came[known])[0, 1] > 0.15
        assert said["p24"].min() < 0.5 < said["p24"].max()


def test_what_came_in_the_tested_groups_changes_no_answer_about_them(cut: Crossing):
    split = splits()[9]
    history, blocks = cut.history, [cut.groups[g] for g in split.tested]
    changed = {name: np.array(getattr(history, name)) for name in ("returns", "scaled", "held")}
    for block in blocks:
        span = history.slice(block.first, block.end)
        for array in changed.values():
            array[span] = -3.0 * array[span][::-1]
    one, two = answers(cut, split), answers(cut._replace(history=history._replace(**changed)), split)
    for group in split.tested:
        assert all(np.array_equal(one[group][name], two[group][name]) for name in one[group])


def test_what_came_elsewhere_changes_them(cut: Crossing):
    split, history = splits()[9], cut.history
    other = cut._replace(history=history._replace(scaled=-np.array(history.scaled)))
    group = split.tested[0]
    assert not np.array_equal(answers(cut, split)[group]["e24"], answers(other, split)[group]["e24"])


def test_paths_answer_every_row_once_and_a_split_that_was_answered_is_kept(
    walk: Walk, cut: Crossing, monkeypatch: pytest.MonkeyPatch
):
    fitted: list[object] = []

    def quick(of: Crossing, split: object) -> dict[int, dict[str, np.ndarray]]:
        fitted.append(split)
        number = splits().index(split)
        return {
            g: dict.fromkeys(module.OUTPUTS, np.full(len(asked(of, g)[0]), float(number)))
            for g in split.tested
        }

    monkeypatch.setattr(module, "answers", quick)
    heard: list[int] = []
    made = list(crossed(walk, cut, lambda done, total: heard.append(done)))
    assert len(made) == 7 and len(fitted) == len(heard) == 28
    for path, predictions in zip(paths(), made, strict=True):
        assert np.array_equal(~np.isnan(predictions.p24), cut.history.predicted)
        for group, split in enumerate(path):
            assert (predictions.p24[*asked(cut, group)] == split).all()
    list(crossed(walk, cut, lambda done, total: None))
    assert len(fitted) == 28


def test_a_history_too_short_for_its_embargo_is_not_cut(walk: Walk):
    assert crossing(walk, EMBARGO_H) is None
