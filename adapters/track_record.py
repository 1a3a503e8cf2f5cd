"""What a portfolio lived, read from its database, objects and bars; and the same hours in a backtest.

Nothing here is computed that decides anything: it is the material of reports and monitors.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import Engine, and_, select

from adapters.bars import BarStore
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.hours import Mandate, PortfolioHour, Stage
from adapters.storage.orders import FillRow, OrderRow
from adapters.storage.states import Mark, Proof
from config import trading, universe
from config.instruments import grid_for
from trading.backtest import frames
from trading.backtest.contest import BESIDE, DOUBLE_COST, Plan, contest
from trading.backtest.inputs import Scene, scene
from trading.backtest.report import Record
from trading.backtest.report.run import RAW
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError
from trading.evaluation.lived import Beside, recorded, with_results, with_shortfall
from trading.instruments import UNITS
from trading.live.documents import parse_mandate
from trading.live.sight import Sight
from trading.policies.benchmarks import POLICIES
from trading.universe import eligibility

VENUE = "kraken"
"""Whose bars a track keeps, whoever recorded them."""
WINDOW_H = 122 * DAY_H
"""Hours before the first decision that features and benchmarks look back on."""
MISSED = "MISSED"

Read = Callable[[str], bytes]
"""An object of the track by its SHA-256."""


class Lived(NamedTuple):
    """The record of one portfolio from its opening to an asof."""

    key: PortfolioKey
    record: Record
    """Hourly equity (asof, equity, units, exposure, risk_drawdown, lifetime_drawdown, tier, state, outcome),
    and fills (at, asof, instrument, side, kind, quantity, price, lots, value, fee, slippage, pnl).
    """
    market: Scene
    data_digest: str
    mandates: tuple[tuple[int, str, str, str], ...]
    """asof, predictor, digest, document; the first one is the opening's."""
    sights: tuple[Sight, ...]
    proofs: Mapping[int, bool]
    """Of the hours that were proved, whether the proof held."""
    flows: Mapping[int, int]
    missed: frozenset[int]

    @property
    def first(self) -> int:
        return TradingHour.at(self.record.equity["asof"][0]).number

    @property
    def last(self) -> int:
        return TradingHour.at(self.record.equity["asof"][-1]).number


def lived(engine: Engine, key: PortfolioKey, home: Path, read: Read, until: datetime) -> Lived:
    """Everything up to asof `until`; `home` is the track's folder. A `DataError` before there is an hour."""
    with reading(engine) as session:
        mine = (Mark.track == key.track, Mark.portfolio == key.portfolio, Mark.asof <= until)
        marks = list(session.scalars(select(Mark).where(*mine).order_by(Mark.asof)))
        ends = (PortfolioHour.track == key.track, PortfolioHour.portfolio == key.portfolio)
        outcomes = {row.asof: row.outcome for row in session.scalars(select(PortfolioHour).where(*ends))}
        same = (FillRow.track == OrderRow.track, FillRow.portfolio == OrderRow.portfolio)
        bought = (FillRow.track == key.track, FillRow.portfolio == key.portfolio, OrderRow.asof < until)
        query = select(FillRow, OrderRow.asof, OrderRow.kind).join(
            OrderRow, and_(*same, FillRow.id == OrderRow.id)
        )
        rows = session.execute(query.where(*bought).order_by(FillRow.at, FillRow.trade_id)).all()
        mandates = session.scalars(
            select(Mandate)
            .where(Mandate.track == key.track, Mandate.portfolio == key.portfolio, Mandate.asof <= until)
            .order_by(Mandate.asof)
        ).all()
        seen = (Stage.track == key.track, Stage.stage == "predict", Stage.asof <= until)
        sights = session.scalars(select(Stage.reference).where(*seen).order_by(Stage.asof)).all()
        said = (Proof.track == key.track, Proof.portfolio == key.portfolio, Proof.asof <= until)
        proofs = {TradingHour.at(p.asof).number: p.held for p in session.scalars(select(Proof).where(*said))}
    if len(marks) < 2:
        raise DataError(f"{key.portfolio} of {key.track} has lived fewer than two hours by {until:%Y-%m-%d}")
    hours = [TradingHour.at(mark.asof).number for mark in marks]
    market, digest = _market(home, hours[0], hours[-1])
    return Lived(
        key=key,
        record=Record(_equity(marks, outcomes), with_shortfall(with_results(_fills(rows)), market.grid)),
        market=market,
        data_digest=digest,
        mandates=tuple((TradingHour.at(m.asof).number, m.predictor, m.digest, m.document) for m in mandates),
        sights=tuple(Sight.parse(read(name)) for name in sights),
        proofs=proofs,
        flows={hour: mark.flow for hour, mark in zip(hours, marks, strict=True) if mark.flow},
        missed=frozenset(h for h, m in zip(hours, marks, strict=True) if outcomes.get(m.asof) == MISSED),
    )


def beside(of: Lived, progress: Callable[[int, int], None]) -> Beside:
    """Run the mandate of the opening, and every benchmark, over the hours that were lived."""
    _, predictor, _, document = of.mandates[0]
    config, review_after_h = parse_mandate(document)
    presets = trading.fee_presets()
    other = next(fees for fees in presets.values() if fees != config.fees)
    plan = Plan(
        predictor=predictor,
        first=of.first,
        last=of.last,
        config=config,
        other_fees=other,
        opening=round(float(of.record.equity["equity"][0]) * UNITS),
        review_after_h=review_after_h,
        flows=of.flows,
        missed=of.missed,
    )
    said = None if predictor in POLICIES else recorded(of.sights, of.market.grid.instruments)
    logs, _ = contest(plan, of.market, said, progress)
    instruments, hours = of.market.instruments, of.record.equity["asof"]

    def at_hours(name: str) -> Record:
        record = frames.beside(logs[name], instruments)
        return Record(record.equity.filter(pl.col("asof").is_in(hours.implode())), record.fills)

    names = [name for name in logs if name.removesuffix(RAW) in POLICIES]
    return Beside(
        shadow=at_hours(predictor),
        benchmarks={name: at_hours(name) for name in names},
        other_fees=at_hours(BESIDE),
        double_cost=at_hours(DOUBLE_COST),
    )


def _market(home: Path, first: int, last: int) -> tuple[Scene, str]:
    store, venue = BarStore(home / "bars"), trading.data_venues()[VENUE]
    names = store.instruments(VENUE)
    grid, digest = store.digested_grid(VENUE, first - WINDOW_H, last, names)
    lists, rules = universe.load()
    held = eligibility(grid, lists, rules, venue.volume_scale)
    return scene(grid, [grid_for(name) for name in grid.instruments], venue, held, first), digest


def _equity(marks: Sequence[Mark], outcomes: Mapping[datetime, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "asof": pl.Series([mark.asof for mark in marks], dtype=pl.Datetime("ms", "UTC")),
            "equity": [mark.equity / UNITS for mark in marks],
            "units": [mark.units / UNITS for mark in marks],
            "exposure": [mark.exposure / max(mark.equity, 1) for mark in marks],
            "positions": [mark.positions for mark in marks],
            "risk_drawdown": [1.0 - mark.equity / max(mark.peak, 1) for mark in marks],
            "lifetime_drawdown": [1.0 - mark.equity / max(mark.lifetime_peak, 1) for mark in marks],
            "tier": [mark.tier for mark in marks],
            "state": [mark.state for mark in marks],
            "outcome": [outcomes.get(mark.asof, "") for mark in marks],
        }
    )


def _fills(rows: Sequence[Any]) -> pl.DataFrame:
    schema: dict[str, Any] = {
        "at": pl.Datetime("ms", "UTC"),
        "asof": pl.Datetime("ms", "UTC"),
        "asof_h": pl.Int64,
        "instrument": pl.String,
        "side": pl.String,
        "kind": pl.String,
        "lots": pl.Int64,
        "quantity": pl.Float64,
        "price": pl.Float64,
        "value": pl.Float64,
        "fee": pl.Float64,
    }
    told = []
    for fill, asof, kind in rows:
        grid = grid_for(fill.instrument)
        side = "buy" if fill.lots > 0 else "sell"
        quantity, price = abs(fill.lots) * 10.0**-grid.lot_decimals, fill.ticks * grid.tick_e8 / UNITS
        held = (fill.instrument, side, str(kind), abs(fill.lots), quantity, price)
        # A stop belongs to a position: it is measured at the hour in which it went.
        hour = TradingHour.at(asof) if kind != "stop" else _hour_of(fill.at)
        told.append((fill.at, hour.asof, hour.number, *held, fill.value / UNITS, fill.fee / UNITS))
    return pl.DataFrame(told, schema=schema, orient="row")


def _hour_of(at: datetime) -> TradingHour:
    return TradingHour.at(at.replace(minute=0, second=0, microsecond=0))
