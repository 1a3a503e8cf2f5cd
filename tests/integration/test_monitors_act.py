"""What monitors ask for is done once, by the ways that stand: a mandate, a trip, an alert, an entry."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from adapters.audit import Kind
from adapters.audit.log import records
from adapters.audit.verify import verify
from adapters.monitors import Look, Monitors
from adapters.objects import ObjectStore
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.halts import Halts
from adapters.storage.hours import Mandate
from adapters.storage.migrate import upgrade
from adapters.storage.outbox import Alert
from cli.main import app
from config import trading
from tests.history import BEGAN, with_a_past
from tests.integration.test_month_report import house_of
from tests.releases import release
from trading.clock import TradingHour
from trading.errors import UsageError
from trading.evaluation.monitors import Action, Level, Monitor, action
from trading.live.documents import parse_mandate
from trading.risk.trading_state import ACTIVE, HALTED

FULL = trading.load().strategy.size
LAST = BEGAN + timedelta(hours=47)


class Noon:
    def now(self):
        return LAST


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = connect(sqlite_url(tmp_path / "ballast.db"))
    upgrade(engine)
    return engine


@pytest.fixture
def key(engine: Engine) -> PortfolioKey:
    return with_a_past(engine)


@pytest.fixture
def watch(engine: Engine, tmp_path: Path) -> Monitors:
    return Monitors(engine, tmp_path, ObjectStore(tmp_path / "objects").read, lambda _: release(), Noon())


def look(*names: str, asof_h: int = 0) -> Look:
    found = tuple(Monitor(name, Level.ALERT, 9.0, "too much") for name in names)
    return Look(LAST + timedelta(hours=asof_h), found, action(found))


def sizes(engine: Engine, key: PortfolioKey) -> list[tuple[str, float]]:
    with reading(engine) as session:
        rows = session.scalars(
            select(Mandate).where(Mandate.portfolio == key.portfolio).order_by(Mandate.asof)
        )
        return [(str(TradingHour.at(r.asof)), parse_mandate(r.document)[0].strategy.size) for r in rows]


def state(engine: Engine, key: PortfolioKey) -> str:
    with reading(engine) as session:
        return Halts(session, key).standing().state


def alerts(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return sorted(session.scalars(select(Alert.message).where(Alert.kind == "monitor")))


def test_one_alert_halves_the_size_from_a_later_hour_on_and_only_once(
    watch: Monitors, engine: Engine, key: PortfolioKey
) -> None:
    done = watch.act(key, look("drift of p24"))
    assert done.taken == ("half the size from 2026-01-03T01:00Z", "alert: drift of p24")
    assert watch.act(key, look("drift of p24")).taken == ()
    assert watch.act(key, look("drift of p24", asof_h=24)).taken == ()
    assert [size for _, size in sizes(engine, key)] == [FULL, FULL / 2]
    assert state(engine, key) == ACTIVE
    assert alerts(engine) == ["drift of p24: 9 (too much)"]


def test_two_alerts_halt_and_a_person_must_lift_it(
    watch: Monitors, engine: Engine, key: PortfolioKey
) -> None:
    done = watch.act(key, look("drift of p24", "live against backtest, bp a day"))
    assert done.taken[0] == "halted"
    assert state(engine, key) == HALTED
    assert len(alerts(engine)) == 2
    with reading(engine) as session:
        told = [json.loads(one.body) for one in records(session, key.track) if one.kind == Kind.HALT]
    assert told[-1]["operator"] == "monitors"
    assert "drift of p24" in told[-1]["reason"]
    assert watch.act(key, look("drift of p24", "live against backtest, bp a day", asof_h=24)).taken == ()


def test_an_alert_that_ends_and_comes_again_is_told_again(
    watch: Monitors, engine: Engine, key: PortfolioKey
) -> None:
    for hours, names in ((0, ("stale",)), (24, ()), (48, ("stale",))):
        watch.act(key, look(*names, asof_h=hours))
    assert len(alerts(engine)) == 2


def test_a_person_restores_the_size_by_name_and_it_is_in_the_log(
    watch: Monitors, engine: Engine, key: PortfolioKey
) -> None:
    with pytest.raises(UsageError, match="full size already"):
        watch.restore(key, "ada", "why not")
    watch.act(key, look("stale", asof_h=-24))
    with pytest.raises(UsageError, match="by name and with a reason"):
        watch.restore(key, "ada", " ")
    watch.restore(key, "ada", "the feed was mended")
    assert [size for _, size in sizes(engine, key)] == [FULL, FULL / 2, FULL]
    with reading(engine) as session:
        log = list(records(session, key.track))
    assert verify(key.track, log, []).fault is None
    told = [json.loads(one.body) for one in log if one.kind == Kind.MONITOR]
    assert (told[-1]["by"], told[-1]["reason"]) == ("ada", "the feed was mended")
    kinds = [one.kind for one in log]
    assert kinds.count(Kind.CONFIGURATION) == 2, "each new mandate is told by the transaction that stores it"


def test_the_command_looks_and_says_what_it_has_not_seen_enough_of(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    shown = CliRunner().invoke(app, ["monitors", "show", "--json", "--home", str(house.home)])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    found = {one["name"]: one["level"] for one in told["monitors"]}
    assert found["live against backtest, bp a day"] == "alert"
    assert found["dissimilar"] == "unknown"
    assert told["action"] == Action.HALVE
    acted = CliRunner().invoke(app, ["monitors", "act", "--home", str(house.home)])
    assert "half the size from" in " ".join(acted.stdout.split())
