"""The strategy along every cross-validated path of the trees: a distribution where a walk has one record."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.running import ENSEMBLE, Request, prepare
from trading.clock import DAY_H, TradingHour

if TYPE_CHECKING:
    from adapters.crossing import Crossing
    from adapters.evaluations import Walked
    from trading.evaluation.strategy import Variant

Beat = Callable[[str, int, int], None]


def traded_paths(of: "Walked", home: Path, fees: str, beat: Beat) -> "list[Variant]":
    """Every path over all whole days of the history; none where the history is too short to be cut."""
    from adapters.crossing import crossed, crossing
    from trading.backtest import frames
    from trading.backtest.contest import variants
    from trading.evaluation.strategy import variant

    cut = crossing(of.walk)
    if cut is None:
        return []
    plan, market, _ = prepare(_request(of, cut, fees), home)
    found = []
    heard = crossed(of.walk, cut, lambda done, total: beat("cross-validating the trees", done, total))
    for number, predictions in enumerate(heard, 1):
        name = f"path {number}"

        def progress(done: int, total: int, name: str = name) -> None:
            beat(f"trading, {name}", done, total)

        logs = variants(plan, market, predictions, {name: plan.config}, progress)
        found.append(variant("path", name, frames.beside(logs[name], market.instruments)))
    return found


def _request(of: "Walked", cut: "Crossing", fees: str) -> Request:
    first = TradingHour(-(-cut.history.first // DAY_H) * DAY_H)
    last = TradingHour(cut.history.last // DAY_H * DAY_H)
    to = (last.asof - timedelta(days=1)).date()
    return Request(first.asof.date(), to, ENSEMBLE, fees, of.about["venue"], preset=of.about["preset"])
