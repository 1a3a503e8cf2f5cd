"""The workload as Ballast sees it: a home with its bars, the derived market, scores as predictions."""

import hashlib
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import workload

from adapters.bars import BarStore
from cli.running import Request, prepare
from config import trading
from trading.backtest.inputs import Scene, blocks
from trading.backtest.step import Inputs
from trading.config import Fees, TradingConfig
from trading.instruments import UNITS
from trading.models.protocol import Predictions, nothing
from trading.money import PPM
from trading.quality import SCHEMA

VENUE = "generated"
START = date(2022, 1, 1)
STEEPNESS = 0.03
"""Probability of a rise for a score of one, above a half."""
RETURN = 0.02
"""Expected return for a score of one: far above what a trade costs, so that the score alone decides."""
FAR = 1_000.0
OPENING = round(workload.CASH) * UNITS


def bars(panel: workload.Workload, first: int = workload.FIRST) -> dict[str, pl.DataFrame]:
    """Stored bars by instrument; the first decision is made at asof `first`."""
    asof = workload.times(len(panel.close), first - workload.WARM_UP_H + 1)
    found = {}
    for a, base in enumerate(workload.BASES[: panel.close.shape[1]]):
        columns = {name: getattr(panel, name)[:, a] for name in ("open", "high", "low", "close", "volume")}
        found[f"{base}/USD"] = (
            pl.DataFrame({"asof": asof, **columns, "trades": 1})
            .select(pl.col("asof").dt.replace_time_zone("UTC"), pl.exclude("asof"))
            .cast(SCHEMA)
        )
    return found


def fill(home: Path, panel: workload.Workload) -> None:
    """Put the panel into the bar store of `home`."""
    store = BarStore(home / "bars")
    for name, frame in bars(panel).items():
        store.write(VENUE, name, frame)


def make(work: Path) -> None:
    """Write the workload and a home with its bars under `work`, unless this very source wrote them."""
    made, source = work / "made", hashlib.sha256(Path(workload.__file__).read_bytes()).hexdigest()
    if made.exists() and made.read_text() == source:
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    panel = workload.make()
    workload.save(work, panel)
    fill(work / "home", panel)
    made.write_text(source)


def last_day() -> date:
    """The day to name as `--to`, so that `workload.HOURS` decisions are made from `START` on."""
    return START + timedelta(days=workload.HOURS // 24 - 1)


def scene(home: Path) -> Scene:
    """The market of the workload, derived as the command does it; every instrument may be entered."""
    _, market, _ = prepare(Request(START, last_day(), "trend-vote", "mission", VENUE), home)
    everything = np.ones(market.grid.close.shape, dtype=bool)
    return market._replace(universe=market.universe._replace(eligible=everything))


def inputs(market: Scene, panel: workload.Workload, config: TradingConfig) -> list[Inputs]:
    """The blocks of the traded hours with the scores as predictions."""
    last = workload.FIRST + len(panel.close) - workload.WARM_UP_H
    found = predictions(panel, [name.split("/")[0] for name in market.grid.instruments])
    return list(blocks(market, workload.FIRST, last - 1, config.execution, found))


def predictions(panel: workload.Workload, bases: list[str]) -> Predictions:
    """Scores as probabilities and expected returns, columns in the order of `bases`."""
    columns = [workload.BASES.index(base) for base in bases]
    score = panel.traded().score[:, columns]
    p, e = probability(score), RETURN * score
    return nothing(workload.FIRST, *score.shape)._replace(p1=p, p4=p, p24=p, e1=e, e4=e, e24=e, e_hold=e)


def probability(score: np.ndarray) -> np.ndarray:
    return np.clip(0.5 + STEEPNESS * score, 0.001, 0.999)


def rules(enter: float = workload.ENTER, leave: float = workload.EXIT) -> TradingConfig:
    """The reviewed configuration with the workload's numbers; every other rule of Ballast stays on."""
    reviewed = trading.load()
    strategy = reviewed.strategy._replace(
        p24_enter=0.5 + STEEPNESS * enter,
        p24_reverse=0.5 + STEEPNESS * leave,
        reversal_h=1,
        hold_min_h=0,
        hold_max_h=workload.HOLD_H,
        hold_extended_h=workload.HOLD_H,
        cooldown_h=0,
        size=workload.SIZE,
        size_scale_min=1.0,
        size_scale_max=1.0,
        stop_min=workload.STOP,
        stop_max=workload.STOP,
        take_sigmas=FAR,
        take_max=workload.TARGET,
        trail_sigmas=FAR,
    )
    half, none, flat = (round(100 * fall) for fall in workload.DRAWDOWNS)
    limits = reviewed.limits._replace(
        positions_max=workload.POSITIONS,
        exposure_entry_ppm=int(workload.EXPOSURE * PPM),
        drawdown_small_pct=half,
        drawdown_large_pct=none,
        drawdown_halt_pct=flat,
    )
    fee = round(workload.FEE * PPM)
    return reviewed._replace(strategy=strategy, limits=limits, fees=Fees(fee, fee))
