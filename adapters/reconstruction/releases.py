"""What predicted at an hour: a rule, or the release that the hour names, loaded once."""

from collections.abc import Callable, Mapping
from functools import cache

from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.errors import NotReady
from trading.models.prediction_log import outputs_of
from trading.models.promotion import CHAMPION
from trading.models.protocol import Said
from trading.models.release import Release
from trading.models.serving import Serving, recent
from trading.policies.exercise import EXERCISE, exercise

PREFIX = "release-"


class Exercise:
    """The predictor that makes a replay busy."""

    def predict(self, market: Scene, _hour: TradingHour) -> Said:
        return Said(exercise(market.grid), b"")


class Named:
    """The release that each hour's record names."""

    def __init__(self, name: Callable[[TradingHour], str], load: Callable[[str], Release]) -> None:
        """`name` says which release predicted; `load` takes the beginning of its digest."""
        self._name, self._serving = name, cache(lambda digest: Serving(load(digest)))

    def predict(self, market: Scene, hour: TradingHour) -> Said:
        name = self._name(hour)
        if not name.startswith(PREFIX):
            raise NotReady(f"no record names a release of {hour}")
        serving = self._serving(name.removeprefix(PREFIX))
        history = recent(market.grid, market.universe, market.unusable, serving.hours)
        answer = serving.predict(history, hour.number)
        return Said(answer.predictions._replace(release=name), outputs_of(answer.said))


def predictors(named: Named) -> Mapping[str, Exercise | Named]:
    """By the name that mandates call them by."""
    return {EXERCISE: Exercise(), CHAMPION: named}
