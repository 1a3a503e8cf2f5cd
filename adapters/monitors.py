"""The monitors of a portfolio: what they see, what they find, and what follows, once.

What follows takes the ways that stand: half the size is a new mandate from an hour on, keeping entries out is
a trip like any other, an alert goes through the outbox. Every look is an entry of the audit log.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from adapters.audit.chain import Kind
from adapters.audit.log import Audit
from adapters.clock import Clock
from adapters.reconstruction.releases import PREFIX
from adapters.storage.base import PortfolioKey, store_once
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import Mandate
from adapters.storage.outbox import post
from adapters.storage.states import Mark
from adapters.storage.trading_state import TradingStates
from adapters.track_record import Lived, Read, beside, lived
from config import trading
from trading.clock import DAY_H, TradingHour
from trading.config import canonical_json
from trading.errors import DataError, UsageError
from trading.evaluation.lived import Costs, Gap, costs, forecasts, gap
from trading.evaluation.monitors import HALF, SHORT_D, Action, Level, Monitor, Seen, action, monitors
from trading.evaluation.month import within
from trading.live.documents import digest_of, dump_mandate, parse_mandate
from trading.models.artefact import Artefact
from trading.models.drift import PART, WINDOW_D, Deciles, Drift
from trading.models.families import DISSIMILARITY
from trading.models.release import Release
from trading.models.serving import recent
from trading.risk.halt_events import TRIPPED, Told
from trading.risk.trading_state import HALTED, Cause, Standing

OPERATOR = "monitors"
HALVED = 0.5
AHEAD_H = 2
"""A new mandate begins so many hours after the last hour lived: the next may be deciding right now."""
WATCHED = ("p24", "e24", "sigma_24", "sigma_1h", "spread")
"""Fields of a reading whose drift is watched."""

Load = Callable[[str], Release]
"""A release by the beginning of its digest; a `DataError` where it is no more."""


class Look(NamedTuple):
    """What the monitors of a portfolio found at an asof."""

    asof: datetime
    found: tuple[Monitor, ...]
    action: Action
    taken: tuple[str, ...] = ()
    """What was done about it now; empty for a look alone, and for what had been done before."""


def look(engine: Engine, key: PortfolioKey, home: Path, read: Read, load: Load) -> Look:
    """Look at a portfolio as of its last hour; a `DataError` before it has lived two."""
    with reading(engine) as session:
        mine = (Mark.track == key.track, Mark.portfolio == key.portfolio)
        last = session.scalar(select(func.max(Mark.asof)).where(*mine))
    if last is None:
        raise DataError(f"{key.portfolio} of {key.track} has no hour to look at yet")
    found = monitors(seen(lived(engine, key, home, read, last), load))
    return Look(last, found, action(found))


def seen(of: Lived, load: Load) -> Seen:
    """The material: forecasts with outcomes, rows that may drift, and the last month beside its backtest."""
    rows = [
        (sight.view.market.hour, reading_)
        for sight in of.sights
        for reading_ in sight.view.readings
        if reading_.eligible
    ]
    asof = np.array([hour for hour, _ in rows], np.int64)
    drifting = {name: (asof, np.array([getattr(one, name) for _, one in rows], float)) for name in WATCHED}
    end = of.record.equity["asof"][-1]
    begin = max(end - timedelta(days=SHORT_D), of.record.equity["asof"][0])
    shadow = beside(of, lambda _done, _total: None).shadow
    here, there = within(of.record, begin, end), within(shadow, begin, end)
    apart, cost = Gap(0, 0.0, 0.0, 0.0), Costs(0, 0, 0, None, None)
    if here.equity.height > 1:
        apart, cost = gap(here, there), costs(here, there)
    said = forecasts(of.sights, of.market.grid)
    return Seen(of.last, said, drifting, drift_of(of, load), apart, cost)


def drift_of(of: Lived, load: Load) -> Drift | None:
    """The features of the last two weeks beside those that taught the release that spoke last.

    None where none did, where it is gone or kept no deciles, or where half of the hours lack rows.
    """
    spoken = [sight.release for sight in of.sights if sight.release.startswith(PREFIX)]
    if not spoken:
        return None
    try:
        member = load(spoken[-1].removeprefix(PREFIX)).members.get(DISSIMILARITY)
    except DataError:
        return None
    kept = Artefact.parse(member).parts.get(PART) if member else None
    now = recent(of.market.grid, of.market.universe, of.market.unusable, WINDOW_D * DAY_H)
    if kept is None or now.sample.any(axis=1).mean() < HALF:
        return None
    return Deciles.parse(kept).drift(now.features[now.sample])


class Monitors:
    """Looks and acts."""

    def __init__(self, engine: Engine, home: Path, read: Read, load: Load, clock: Clock) -> None:
        """`home` is the folder of a track; `clock` the one that its alerts and halts are told by."""
        self._engine, self._home, self._read, self._load, self._clock = engine, home, read, load, clock

    def run(self, track: str, portfolio: str) -> str:
        """Look, then do what follows; says what it came to."""
        of = self.watch(PortfolioKey(track, portfolio))
        return ", ".join([of.action, *of.taken])

    def watch(self, key: PortfolioKey) -> Look:
        """Look, then do what follows; again for the same asof nothing more is done."""
        return self.act(key, look(self._engine, key, self._home, self._read, self._load))

    def act(self, key: PortfolioKey, of: Look) -> Look:
        """Do what a look asks for, if it has not been done."""
        with reading(self._engine) as session:
            before = _last(session, key)
        if before.get("asof") == _text(of.asof):
            return of
        alerts = sorted(one.name for one in of.found if one.level is Level.ALERT)
        taken = []
        if of.action is Action.HALT and before.get("action") != Action.HALT:
            taken.append(self._halt(key, of, alerts))
        with unit_of_work(self._engine, key) as session:
            if of.action in (Action.HALVE, Action.HALT):
                taken += _halve(session, key, of.asof)
            for name in sorted(set(alerts) - set(before.get("alerts", ()))):
                message = f"{name}: {', '.join(_said(one) for one in of.found if one.name == name)}"
                alert = f"monitor/{key.portfolio}/{name}/{_text(of.asof)}"
                post(session, key.track, alert, "monitor", key.portfolio, message, self._clock.now())
                taken.append(f"alert: {name}")
            Audit(session).append(key.track, Kind.MONITOR, key.portfolio, _entry(of, alerts, taken))
        return of._replace(taken=tuple(taken))

    def restore(self, key: PortfolioKey, operator: str, reason: str) -> TradingHour:
        """Let entries be of their full size again, by a person's word; returns the hour from which on.

        It lasts if what halved them is over: while an alert stands, the next look halves them again.
        """
        if not operator.strip() or not reason.strip():
            raise UsageError("a person restores the size, by name and with a reason")
        with unit_of_work(self._engine, key) as session:
            row = _mandate(session, key)
            asof = session.scalar(select(func.max(Mark.asof)).where(*_mine(Mark, key)))
            size = trading.load().strategy.size
            begin = _resize(session, key, row, asof or row.asof, size)
            if begin is None:
                raise UsageError(f"entries of {key.portfolio} are of their full size already")
            said = {"by": operator, "from": str(begin), "reason": reason, "restored": size}
            told = canonical_json(_last(session, key) | said)
            Audit(session).append(key.track, Kind.MONITOR, key.portfolio, told)
        return begin

    def _halt(self, key: PortfolioKey, of: Look, alerts: Sequence[str]) -> str:
        states = TradingStates(self._engine, self._clock)
        known = states.tellings(*key)[0] or Standing(HALTED, 0)
        if known.state == HALTED:
            return "halted already"
        reason = f"{Cause.MANUAL}: monitors: {', '.join(alerts)}; train anew and review"
        wanted = Standing(HALTED, known.epoch + 1)
        id = f"monitors/{key.portfolio}/{_text(of.asof)}"
        states.record(*key, Told(id, TRIPPED, OPERATOR, reason, known, wanted))
        return "halted"


def _halve(session: Session, key: PortfolioKey, asof: datetime) -> list[str]:
    """Half of the reviewed size from soon on, unless it is that small already."""
    row, size = _mandate(session, key), trading.load().strategy.size * HALVED
    if parse_mandate(row.document)[0].strategy.size <= size:
        return []
    begin = _resize(session, key, row, asof, size)
    return [f"half the size from {begin}"] if begin else []


def _resize(
    session: Session, key: PortfolioKey, row: Mandate, asof: datetime, size: float
) -> TradingHour | None:
    """Store the mandate with another size, `AHEAD_H` after asof; None if it is that size."""
    config, review_after_h = parse_mandate(row.document)
    if config.strategy.size == size:
        return None
    document = dump_mandate(config._replace(strategy=config.strategy._replace(size=size)), review_after_h)
    begin = TradingHour(TradingHour.at(asof).number + AHEAD_H)
    told: dict[str, Any] = {"digest": digest_of(document), "document": document}
    store_once(session, Mandate(**key._asdict(), asof=begin.asof, predictor=row.predictor, **told))
    return begin


def _mandate(session: Session, key: PortfolioKey) -> Mandate:
    """The last one, whether or not it has begun."""
    query = select(Mandate).where(*_mine(Mandate, key)).order_by(Mandate.asof.desc()).limit(1)
    return session.scalars(query).one()


def _mine(row: Any, key: PortfolioKey) -> tuple[Any, Any]:
    return row.track == key.track, row.portfolio == key.portfolio


def _last(session: Session, key: PortfolioKey) -> dict[str, Any]:
    found = Audit(session).last(key.track, Kind.MONITOR, key.portfolio)
    told: dict[str, Any] = json.loads(found.body) if found else {}
    return told


def _entry(of: Look, alerts: Sequence[str], taken: Sequence[str]) -> bytes:
    figures = {
        one.name: {
            "level": one.level,
            "note": one.note,
            "value": None if one.value is None else float(f"{one.value:.6g}"),
        }
        for one in of.found
    }
    told = {"action": of.action, "alerts": list(alerts), "asof": _text(of.asof), "monitors": figures}
    return canonical_json({**told, "taken": list(taken)})


def _said(one: Monitor) -> str:
    return f"{one.value:.4g} ({one.note})" if one.value is not None else one.note


def _text(asof: datetime) -> str:
    return str(TradingHour.at(asof))
