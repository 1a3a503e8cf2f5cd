"""The release that trades, loaded once by whoever predicts hours."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.errors import NotReady, UsageError
from trading.models.prediction_log import outputs_of
from trading.models.protocol import Said
from trading.models.serving import Serving, recent

if TYPE_CHECKING:
    from adapters.model_registry import Shelf


class Champion:
    """The champion of a registry for one mode; MLflow is opened by the first hour, and then no more."""

    def __init__(self, folder: Path, mode: str, shelf: "Shelf | None" = None) -> None:
        self._folder, self._mode, self._shelf = folder, mode, shelf

    def predict(self, market: Scene, hour: TradingHour) -> Said:
        """Predictions at asof, from a window that ends there; `NotReady` while no release may serve."""
        release, serving = self._loaded
        history = recent(market.grid, market.universe, market.unusable, serving.hours)
        answer = serving.predict(history, hour.number)
        return Said(answer.predictions._replace(release=release), outputs_of(answer.said))

    @cached_property
    def _loaded(self) -> tuple[str, Serving]:
        from adapters.model_registry import ModelRegistry

        try:
            known, release = ModelRegistry(self._folder, self._shelf).champion(self._mode)
        except UsageError as error:
            raise NotReady(str(error)) from error
        return f"release-{known.digest[:16]}", Serving(release)
