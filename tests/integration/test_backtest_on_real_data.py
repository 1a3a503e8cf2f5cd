"""What is known of the years 2021 to 2024 holds in a run of `trend-vote` over them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from platformdirs import user_cache_path

from adapters.bars import BarStore
from adapters.importing.run import import_path
from cli.running import Finished, Request, execute

NOW_S = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
HALTS = {
    "2021-08-13T02:00": 4,
    "2021-09-29T07:00": 2,
    "2023-03-24T13:00": 1,
}
"""Hours in which the whole exchange stood still, by their open: those inside the span."""
NEVER_TRADED = {"DOGE/USDT", "SHIB/USDT", "APE/USDT", "PAXG/USDT"}
ENDED = ("MATIC/USDT", "XMR/USDT", "EOS/USDT", "FTM/USDT")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, market_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("home")
    kept = user_cache_path("ballast-tests", appauthor=False)
    kept.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "compiled").symlink_to(kept)
    import_path(market_data / "hourly/binance", "binance", folder, NOW_S, lambda *_: None)
    return folder


@pytest.fixture(scope="module")
def finished(home: Path) -> Finished:
    request = Request(date(2021, 6, 1), date(2024, 12, 31), "trend-vote", "mission", "binance")
    return execute(request, home, lambda *_: None)


@pytest.fixture(scope="module")
def fills(finished: Finished) -> pl.DataFrame:
    """Fills of every portfolio under the rules: the judged one, at other costs, and the benchmarks."""
    run = finished.run
    records = {"judged": run.record, "beside": run.beside, "double": run.double_cost, **run.benchmarks}
    return pl.concat(
        record.fills.with_columns(of=pl.lit(name)) for name, record in records.items() if record is not None
    )


def test_the_run_covers_every_hour_and_says_that_its_data_is_a_proxy(finished: Finished) -> None:
    equity = finished.run.record.equity
    assert equity.height == (date(2025, 1, 1) - date(2021, 6, 1)).days * 24 + 1
    assert finished.details["proxy"] is True
    assert finished.run.record.fills.height > 300
    assert (equity["equity"] > 0).all()


def test_what_is_held_and_ordered_stays_inside_the_caps(finished: Finished) -> None:
    run = finished.run
    bought = (
        run.decisions.filter(pl.col("approved") > 0)
        .group_by("asof")
        .agg(ordered=(pl.col("approved") * pl.col("limit")).sum(), names=pl.len())
        .join(run.record.equity, on="asof")
    )
    share = bought["exposure"] + bought["ordered"] / bought["equity"]
    assert 0.15 < float(share.max()) <= 0.19  # type: ignore[arg-type]
    assert (bought["positions"] + bought["names"]).max() <= 10  # type: ignore[operator]
    assert run.record.equity["positions"].max() <= 10  # type: ignore[operator]


def test_what_prices_carry_above_the_hard_cap_is_cut_in_that_hour(finished: Finished) -> None:
    above = finished.run.record.equity.filter(pl.col("exposure") > 0.2)
    assert 0 < above.height < 100
    cuts = finished.run.decisions.filter(pl.col("verdict") == "forced")
    assert set(above["asof"]) <= set(cuts["asof"])
    after = above["asof"].dt.offset_by("1h")
    then = finished.run.record.equity.filter(pl.col("asof").is_in(after.implode()))
    assert (then["exposure"] < 0.2).all()


def test_nothing_that_is_a_joke_or_gold_is_ever_traded(fills: pl.DataFrame) -> None:
    assert not set(fills["instrument"]) & NEVER_TRADED
    assert fills["instrument"].n_unique() > 15


def test_nothing_fills_while_the_exchange_stands_still(fills: pl.DataFrame) -> None:
    silent = {
        datetime.fromisoformat(opened).replace(tzinfo=UTC) + timedelta(hours=hour)
        for opened, hours in HALTS.items()
        for hour in range(hours)
    }
    assert not set(fills["asof"]) & silent


def test_a_stop_fills_near_its_price_or_the_open_and_never_at_a_wick(fills: pl.DataFrame, home: Path) -> None:
    store = BarStore(home / "bars")
    stops = fills.filter(pl.col("kind").is_in(["stop", "stop gap"]))
    assert stops.height > 100
    for (instrument,), of in stops.group_by("instrument"):
        bars = store.read("binance", str(instrument)).select(
            pl.col("asof").dt.offset_by("-1h"), "open", "low"
        )
        both = of.join(bars.with_columns(pl.col("asof").cast(of.schema["asof"])), on="asof")
        assert both.height == of.height
        reference = pl.min_horizontal("open", "stop")
        slipped = both.select(1 - pl.col("price") / reference).to_series()
        assert slipped.is_between(0, 0.03).all(), instrument
        assert (both["low"] <= both["stop"] * 1.0001).all()


def test_a_coin_that_ended_is_not_held_after_its_end(fills: pl.DataFrame, home: Path) -> None:
    store = BarStore(home / "bars")
    for instrument in ENDED:
        end = store.read("binance", instrument)["asof"].max()
        of = fills.filter(pl.col("instrument") == instrument)
        assert of.filter(pl.col("time") > end + pl.duration(hours=80)).is_empty()
        held = of.group_by("of").agg(pl.col("lots").sum(), value=pl.col("value").last())
        assert (held["lots"] == 0).all() or held.filter(pl.col("lots") > 0)["value"].max() < 10  # type: ignore[operator]


def test_krakens_own_fees_cost_more(finished: Finished) -> None:
    mission, kraken = finished.run.record, finished.run.beside
    assert kraken is not None
    share = [record.fills["fee"].sum() / record.fills["value"].sum() for record in (mission, kraken)]
    assert share[0] == pytest.approx(0.004, rel=1e-6)
    assert 0.0055 < share[1] < 0.0065
    # Later the paths part, by which holding a cap trimmed, and luck outweighs the fees.
    new_year = pl.col("asof") == datetime(2022, 1, 1, tzinfo=UTC)
    then = [record.equity.filter(new_year)["equity"].item() for record in (mission, kraken)]
    assert then[0] > then[1] + 500
