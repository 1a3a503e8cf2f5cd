"""The features of a track's stored bars beside those that taught the release which spoke last."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from adapters.bars import BarStore
from adapters.model_registry import ModelRegistry
from adapters.monitors import drift_of
from adapters.objects import ObjectStore
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url, unit_of_work
from adapters.storage.hours import Stage
from adapters.track_record import VENUE, Lived, lived
from cli.main import app
from cli.supervisor.house import House
from config import trading
from tests.history import BEGAN
from tests.integration.test_month_report import DAYS, TRACK, house_of
from tests.releases import TRAINED_THROUGH, facts, release
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError
from trading.features.library import FEATURES, INDEX
from trading.live.sight import Lateness, Sight, view_of
from trading.models.artefact import GRAPH, Artefact
from trading.models.drift import PART, Deciles
from trading.models.release import Release
from trading.models.serving import recent

KEY = PortfolioKey(TRACK, "main")
LAST = BEGAN + timedelta(days=DAYS, hours=-1)
TAUGHT_D = 60


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def engine(house: House) -> Engine:
    return connect(sqlite_url(house.database("replay")))


def objects(house: House) -> ObjectStore:
    return ObjectStore(house.track(TRACK) / "objects")


def life(house: House, engine: Engine, place: Path | None = None, until=LAST) -> Lived:
    return lived(engine, KEY, place or house.track(TRACK), objects(house).read, until)


def taught_by(of: Lived, change=lambda rows: rows) -> Release:
    """A release that learned from the track's own bars, `change` done to their features."""
    history = recent(of.market.grid, of.market.universe, of.market.unusable, TAUGHT_D * DAY_H)
    hours, coins = np.nonzero(history.sample)
    deciles = Deciles.of(change(history.features[hours, coins]), history.first + hours)
    guard = Artefact(
        "dissimilarity", {"trained_through": TRAINED_THROUGH}, {GRAPH: b"", PART: deciles.dump()}
    )
    return Release(facts(), {**release().members, "dissimilarity": guard.dump()})


def spoken(of: Lived, by: Release) -> Lived:
    """The same life, of which the release decided the last hour."""
    sight = Sight(of.market.grid.instruments, None, f"release-{by.digest[:16]}", {})
    return of._replace(sights=(sight._replace(release="release-of-long-ago"), sight))


def test_what_was_taught_is_quiet_and_what_was_not_is_found(house, engine) -> None:
    of = life(house, engine)
    same = taught_by(of)
    found = drift_of(spoken(of, same), {same.digest[:16]: same}.__getitem__)
    assert found is not None
    assert (found.stability / np.maximum(found.usual, 0.25)).max() < 4.0
    assert found.beyond.max() < 0.25

    def smaller(rows: np.ndarray) -> np.ndarray:
        rows[:, INDEX["volume_surge_1h"]] /= 100.0
        return rows

    other = taught_by(of, smaller)
    moved = drift_of(spoken(of, other), lambda _: other)
    assert moved is not None
    assert FEATURES[int(np.argmax(moved.beyond))].name == "volume_surge_1h"


def test_nothing_after_asof_is_seen(house, engine, tmp_path: Path) -> None:
    until = LAST - timedelta(days=10)
    store, shorter = BarStore(house.track(TRACK) / "bars"), BarStore(tmp_path / "bars")
    for name in store.instruments(VENUE):
        shorter.write(VENUE, name, store.read(VENUE, name).filter(pl.col("asof") <= until))
    of = taught_by(life(house, engine))
    whole, cut = (
        drift_of(spoken(life(house, engine, place, until), of), lambda _: of) for place in (None, tmp_path)
    )
    assert whole is not None
    assert cut is not None
    assert all(np.array_equal(a, b) for a, b in zip(whole, cut, strict=True))
    later = drift_of(spoken(life(house, engine), of), lambda _: of)
    assert later is not None
    assert not np.array_equal(later.stability, whole.stability)


def gone(_: str) -> Release:
    raise DataError("no such release")


@pytest.mark.parametrize("load", [gone, lambda _: release()], ids=["gone", "of before deciles were kept"])
def test_a_release_that_says_nothing_of_its_training_leaves_it_unknown(house, engine, load) -> None:
    of = life(house, engine)
    assert drift_of(spoken(of, release()), load) is None
    assert drift_of(of, load) is None, "a rule decided: no release ever spoke"


def test_a_market_that_hardly_has_rows_leaves_it_unknown(house, engine) -> None:
    of = life(house, engine)
    by = taught_by(of)
    out = np.ones_like(of.market.unusable)
    out[-6 * DAY_H :] = False
    dark = of._replace(market=of.market._replace(unusable=out))
    assert drift_of(spoken(dark, by), lambda _: by) is None


def test_the_command_shows_one_row_for_all_features(house, engine) -> None:
    of = life(house, engine)
    by = taught_by(of)
    ModelRegistry(house.home / "models").register(by)
    rules = trading.load().execution
    view = view_of(of.market, TradingHour.at(LAST), rules, Lateness.NONE)
    sight = Sight(of.market.grid.instruments, view, f"release-{by.digest[:16]}", {})
    with unit_of_work(engine) as session:
        told = {"track": TRACK, "asof": LAST, "stage": "predict", "summary": "{}", "at": LAST}
        session.add(Stage(**told, reference=objects(house).put_bytes(sight.dump())))
    shown = CliRunner().invoke(app, ["monitors", "show", "--json", "--home", str(house.home)])
    assert shown.exit_code == 0, shown.output
    (row,) = [one for one in json.loads(shown.stdout)["monitors"] if one["name"] == "drift of features"]
    assert row["level"] in ("quiet", "watch")
    assert "of 55 beyond their bounds; worst is " in row["note"]
