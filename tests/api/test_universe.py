"""What the window of an hour shows is computed from its bytes: candles, universe, correlation, benchmarks."""

from datetime import timedelta

import pytest

from adapters.objects import ObjectStore
from adapters.storage.engine import unit_of_work
from adapters.storage.hours import Stage
from api.access.roles import Role
from simulator.generator import VENUE, generate
from tests.history import BEGAN, with_a_past
from tests.installation import World
from trading.clock import TradingHour
from trading.grid import dense
from trading.live.sight import dump_grid
from trading.market import Grid

MARKET = "/api/portfolios/main/market"
HOURS = 2_400


@pytest.fixture(scope="module")
def grid() -> Grid:
    last = TradingHour.at(BEGAN).number + 47
    first = last - HOURS + 1
    return dense(VENUE, generate(15, HOURS + 1, 6, first), first, last)


@pytest.fixture
def desk(world: World, grid: Grid):
    with_a_past(world.engine)
    reference = ObjectStore(world.home / "replay-a-1").put_bytes(dump_grid(grid))
    with unit_of_work(world.engine) as session:
        row = {"stage": "fetch", "reference": reference, "summary": "{}", "at": BEGAN}
        session.add(Stage(track="replay-a-1", asof=TradingHour(grid.last).asof, **row))
    world.person("ada", Role.VIEWER)
    return world.signed_in("ada")


def test_candles_are_the_hours_of_the_window(desk, grid: Grid) -> None:
    told = desk.get(f"{MARKET}/candles", params={"instrument": "BTC/USD", "hours": 24}).json()
    a = grid.instruments.index("BTC/USD")
    assert told["close"] == grid.close[-24:, a].tolist()
    assert told["asof"][-1] == "2026-01-02T23:00:00Z"
    assert desk.get(f"{MARKET}/candles", params={"instrument": "NO/USD"}).status_code == 404


def test_every_instrument_is_in_or_out_for_a_reason(desk, grid: Grid) -> None:
    told = desk.get(f"{MARKET}/universe").json()
    assert [one["instrument"] for one in told["candidates"]] == list(grid.instruments)
    assert told["decided"] == "2026-01-02T00:00:00Z"
    for one in told["candidates"]:
        assert one["eligible"] == (one["reason"] == "eligible")
        assert one["reason"] != "volume" or one["notional"] < told["notional_min"]


def test_the_correlation_matrix_is_whole_and_symmetric(desk, grid: Grid) -> None:
    told = desk.get(f"{MARKET}/correlation").json()
    count = len(grid.instruments)
    assert [len(line) for line in told["correlation"]] == [count] * count
    for i in range(count):
        for j in range(count):
            assert told["correlation"][i][j] == told["correlation"][j][i]
    assert told["cluster"][0] == 0
    assert told["cut"] == 0.8


def test_the_record_stands_beside_bitcoin_from_its_first_mark_on(desk, grid: Grid) -> None:
    told = desk.get("/api/portfolios/main/performance/benchmarks").json()
    assert (told["portfolio"][0], told["bitcoin"][0], len(told["asof"])) == (1.0, 1.0, 48)
    closes = grid.close[-48:, grid.instruments.index("BTC/USD")]
    assert told["bitcoin"][-1] == pytest.approx(closes[-1] / closes[0])


def test_without_a_window_nothing_is_made_up(world: World) -> None:
    with_a_past(world.engine)
    world.person("ada", Role.VIEWER)
    ada = world.signed_in("ada")
    for read in ("universe", "correlation", "candles?instrument=BTC/USD"):
        assert ada.get(f"{MARKET}/{read}").status_code == 404
    told = ada.get("/api/portfolios/main/performance/benchmarks").json()
    assert set(told["bitcoin"]) == {None}
    assert told["asof"][-1] == (BEGAN + timedelta(hours=47)).strftime("%Y-%m-%dT%H:%M:%SZ")
