"""What a proof is excused from noticing shows nowhere in the range that an hour can reach."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from benchmarks.divergences.changes import Divergence
from benchmarks.divergences.groups import groups
from benchmarks.divergences.judging import changed
from benchmarks.divergences.waivers import WAIVERS, Waiver, waived
from tests.replaying import CACHE
from trading.compiled import use_cache

SHARE_MAX = 0.05


@cache
def divergences() -> dict[str, list[Divergence]]:
    return {group.name: group.divergences for group in groups()}


@cache
def unchanged(shown: Callable[[], Any]) -> Any:
    return shown()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("waiver", WAIVERS, ids=lambda waiver: waiver.function)
def test_a_waived_divergence_shows_nothing(waiver: Waiver) -> None:
    use_cache(CACHE)
    mine = [of for some in divergences().values() for of in some if waived(of) == waiver]
    assert mine, "no such place any more"
    assert unchanged(waiver.shown), "nothing is shown"
    for of in mine:
        with changed(of):
            assert waiver.shown() == unchanged(waiver.shown), of
