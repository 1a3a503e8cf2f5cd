"""The mark of the hour after a review keeps what the guard answered, which the decision then stands on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from temporalio.testing import ActivityEnvironment

from activities.floor import Floor
from activities.messages import GuardOut, MarkIn, ShardIn, Tellings
from activities.portfolios import BatchActivities
from adapters.storage.base import PortfolioKey
from adapters.storage.books import HourBooks
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import Mandate
from adapters.storage.reconciliations import Reconciliations
from adapters.storage.states import Mark, StateRow
from tests.core import CONFIG, market
from tests.core import reading as shown
from trading.clock import TradingHour
from trading.instruments import Instrument
from trading.live.desk import Desk
from trading.live.documents import digest_of, dump_mandate, dump_state, state_of_decision
from trading.live.sight import Sight
from trading.portfolio import PortfolioState, View
from trading.risk import vigil
from trading.risk.drawdown import HALT_TIER
from trading.risk.trading_state import HALTED, Cause, Latch
from trading.risk.vigil import Vigil
from workflows.halt_card import answer_of

HOUR = TradingHour(480_001)
BITCOIN = Instrument("BTC/USD", 1, 0, 10, 500_000)
PEAK, LEFT = 10_000_000_000, 7_900_000_000
RULES = vigil.Rules(CONFIG.limits, CONFIG.kill_switch)
VIEW = "5" * 64


class Guard:
    """Moves its vigil as the long-lived workflow does."""

    def __init__(self, before: Vigil) -> None:
        self.vigil = before

    def tellings(self, track: str, portfolio: str) -> Tellings:
        return Tellings(row=None, audit=None)

    def mark(self, track: str, told: MarkIn) -> GuardOut:
        hour = TradingHour.at(told.asof).number
        seen = vigil.Mark(hour, told.equity, told.flows, told.triggers, told.trips)
        self.vigil = vigil.mark(self.vigil, seen, RULES)
        return answer_of(self.vigil)


class Calm:
    """A clock shortly after asof, an exchange without trouble, an account whose comparison is stored."""

    def now(self) -> datetime:
        return HOUR.asof + timedelta(seconds=20)

    def decided(self, hour: TradingHour, portfolios: list[str], orders: list[str]) -> None: ...

    def fired(self, track: str, desk: Desk) -> Sequence[str]:
        return ()

    def reconcile(self, hour: TradingHour) -> None: ...


class Sights:
    """One view of a quiet market."""

    def read(self, name: str) -> bytes:
        view = View(market(hour=HOUR.number), [shown(p24=0.4)])
        return Sight((BITCOIN.name,), view, "release", {}).dump()


def fallen(engine: Engine, key: PortfolioKey) -> None:
    """A portfolio in cash that lost so much of its peak in the hour before that it was halted."""
    state = PortfolioState.opening(PEAK, 1)
    account = state.account
    account.cash = account.equity = LEFT
    account.tier, account.halted, account.halt_epoch = HALT_TIER, 1, 1
    mandate, document = dump_mandate(CONFIG, 0), dump_state(state, [BITCOIN.name])
    rules: dict[str, Any] = {"predictor": "release", "document": mandate, "digest": digest_of(mandate)}
    before = {"asof": HOUR.previous.asof, **key._asdict()}
    with unit_of_work(engine, key) as session:
        session.add(Mandate(**before, **rules))
        session.add(StateRow(**before, document=document, digest=digest_of(document)))
        Reconciliations(session, key).store(HOUR.asof, {"USD": LEFT}, {"USD": LEFT})


def opened(engine: Engine, key: PortfolioKey, guard: Guard) -> None:
    """Open the hour: mark, tell the guard, decide."""
    calm: Any = Calm()
    objects: Any = Sights()
    floor = Floor(HourBooks(engine, calm), objects, calm, lambda *_: calm, {BITCOIN.name: BITCOIN})
    told = ShardIn(
        track=key.track, asof=HOUR.asof, portfolios=VIEW, first=0, count=1, view=VIEW, only=key.portfolio
    )
    done = ActivityEnvironment().run(BatchActivities(floor, guard, calm).open, told)
    assert done.trouble == ()


@pytest.mark.parametrize("reviewed", [True, False])
def test_a_mark_has_the_peak_and_tier_of_the_decision(
    engine: Engine, key: PortfolioKey, reviewed: bool
) -> None:
    fallen(engine, key)
    latch = Latch(HALTED, 1, (Cause.DRAWDOWN,))
    halted = Vigil(latch, HOUR.number - 1, LEFT, PEAK, PEAK, PEAK, HALT_TIER, HOUR.number - 1)
    guard = Guard(vigil.resumed(halted) if reviewed else halted)
    opened(engine, key, guard)
    mine = (Mark.track == key.track, Mark.portfolio == key.portfolio, Mark.asof == HOUR.asof)
    with reading(engine) as session:
        mark = session.scalars(select(Mark).where(*mine)).one()
    with HourBooks(engine, Calm()).view(*key) as books:
        told = books.decision(HOUR)
    assert told is not None
    account = state_of_decision(told.document, [BITCOIN.name]).account
    kept = (mark.equity, mark.peak, mark.lifetime_peak, mark.tier, mark.halt_epoch)
    assert kept == (account.equity, account.peak, account.lifetime_peak, account.tier, account.halt_epoch)
    assert kept == ((LEFT, LEFT, PEAK, 0, 2) if reviewed else (LEFT, PEAK, PEAK, HALT_TIER, 1))
