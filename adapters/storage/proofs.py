"""Proofs: what another process came to for each portfolio's hour, and which hours still wait for theirs."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, func, select

from adapters.clock import Clock
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import PortfolioHour
from adapters.storage.states import Proof
from trading.clock import TradingHour
from trading.live.values import Proved


class Proofs:
    """Of every track in a database; `clock` is the venue's."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def keep(self, track: str, hour: TradingHour, proved: Iterable[Proved]) -> None:
        """Store what an hour's proofs came to, in one transaction; the first stored of each stands."""
        rows, now = list(proved), self._clock.now()
        with unit_of_work(self._engine, *(PortfolioKey(track, one.portfolio) for one in rows)) as session:
            for one in rows:
                told: dict[str, Any] = {"track": track, **one._asdict(), "at": now}
                if session.get(Proof, (track, one.portfolio, hour.asof)) is None:
                    session.add(Proof(**told, asof=hour.asof))

    def owed(self, track: str, hour: TradingHour) -> list[str]:
        """Portfolios whose hour is over and not proved, on a track that proves its hours."""
        mine = (Proof.track == track, Proof.asof == hour.asof)
        over = select(PortfolioHour.portfolio).where(
            PortfolioHour.track == track,
            PortfolioHour.asof == hour.asof,
            PortfolioHour.portfolio.not_in(select(Proof.portfolio).where(*mine)),
        )
        with reading(self._engine) as session:
            began = session.scalar(select(func.min(Proof.asof)).where(Proof.track == track))
            if began is None or began > hour.asof:
                return []
            return sorted(session.scalars(over))
