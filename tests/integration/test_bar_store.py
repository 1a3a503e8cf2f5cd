"""The bar store keeps the first value, whole files, and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from adapters.bars import BarStore
from adapters.files import replacing
from adapters.objects import ObjectStore
from simulator.generator import generate
from trading.errors import DataError
from trading.quality import SCHEMA

FIRST = 455_400
"""Close to the end of 2021, so that the bars lie in two files."""
HOURS = 600
PARTS = 60


@pytest.fixture
def market() -> dict[str, pl.DataFrame]:
    return generate(3, HOURS, 3, FIRST)


@pytest.fixture
def store(tmp_path: Path, market: dict[str, pl.DataFrame]) -> BarStore:
    store = BarStore(tmp_path / "bars")
    for name, bars in market.items():
        store.write("here", name, bars)
    return store


def test_bars_come_back_as_they_went_in_a_file_a_year(
    store: BarStore, market: dict[str, pl.DataFrame]
) -> None:
    assert store.venues() == ["here"]
    assert store.instruments("here") == ["BTC/USD", "ETH/USD", "XRP/USD"]
    assert sorted(file.name for file in (store.root / "here" / "BTC-USD").glob("*.parquet")) == [
        "2021.parquet",
        "2022.parquet",
    ]
    for name, bars in market.items():
        assert store.read("here", name).equals(bars)
    assert store.read("here", "NOPE/USD").schema == SCHEMA


def test_a_span_includes_both_its_ends(store: BarStore, market: dict[str, pl.DataFrame]) -> None:
    bars = market["BTC/USD"]
    hours = bars["asof"].dt.epoch("s") // 3600
    first, last = FIRST + 100, FIRST + 300
    assert store.read("here", "BTC/USD", first, last).equals(bars.filter((hours >= first) & (hours <= last)))


def test_writing_again_changes_nothing(store: BarStore, market: dict[str, pl.DataFrame]) -> None:
    files = {file: file.stat().st_mtime_ns for file in store.root.rglob("*.parquet")}
    report = store.write("here", "BTC/USD", market["BTC/USD"])
    assert (report.added, report.identical, report.conflicts.height) == (0, market["BTC/USD"].height, 0)
    assert files == {file: file.stat().st_mtime_ns for file in store.root.rglob("*.parquet")}


def test_parts_in_any_order_make_the_whole(tmp_path: Path, market: dict[str, pl.DataFrame]) -> None:
    store, bars = BarStore(tmp_path), market["BTC/USD"]
    for part in (bars[400:], bars[100:300], bars[:150], bars[250:450]):
        store.write("here", "BTC/USD", part)
    assert store.read("here", "BTC/USD").equals(bars)


def test_the_first_value_of_an_hour_stays_and_the_other_comes_back(
    store: BarStore, market: dict[str, pl.DataFrame]
) -> None:
    changed = market["BTC/USD"][10:13].with_columns(pl.col("volume") * 2)
    report = store.write("here", "BTC/USD", changed)
    assert (report.added, report.identical) == (0, 0)
    assert report.conflicts.equals(changed)
    assert store.read("here", "BTC/USD").equals(market["BTC/USD"])


def test_an_unfinished_bar_gives_way_to_the_one_that_continues_it(
    store: BarStore, market: dict[str, pl.DataFrame]
) -> None:
    longer = market["BTC/USD"].tail(1).with_columns(pl.col("volume") * 3, pl.col("high") + 100)
    hour = FIRST + HOURS - 1
    assert store.write("here", "BTC/USD", longer).conflicts.height == 1
    assert store.write("here", "BTC/USD", longer, unfinished={hour}).finished == 1
    assert store.read("here", "BTC/USD").tail(1).equals(longer)
    narrower = longer.with_columns(pl.col("volume") * 2, high=pl.max_horizontal("open", "close"))
    assert store.write("here", "BTC/USD", narrower, unfinished={hour}).conflicts.height == 1


def test_a_source_that_counts_no_trades_contradicts_nobody(
    store: BarStore, market: dict[str, pl.DataFrame]
) -> None:
    uncounted = market["BTC/USD"].with_columns(trades=pl.lit(None, pl.Int64))
    assert store.write("here", "BTC/USD", uncounted).conflicts.is_empty()


def test_a_window_of_the_grid_equals_the_whole(store: BarStore) -> None:
    whole = store.grid("here", FIRST, FIRST + HOURS - 1)
    window = store.grid("here", FIRST + 250, FIRST + 260, ["ETH/USD", "BTC/USD"])
    assert window.instruments == ("BTC/USD", "ETH/USD")
    expected = whole.rows(FIRST + 250, FIRST + 261)
    assert window.close.tobytes() == expected.close[:, :2].tobytes()
    assert window.stale.tobytes() == expected.stale[:, :2].tobytes()


def test_a_gap_just_before_a_window_is_carried_into_it(
    tmp_path: Path, market: dict[str, pl.DataFrame]
) -> None:
    store, hour = BarStore(tmp_path), FIRST + 100
    early = market["BTC/USD"].filter(pl.col("asof").dt.epoch("s") <= hour * 3600)
    store.write("here", "BTC/USD", early)
    grid = store.grid("here", hour + 4, hour + 8)
    assert grid.stale[:, 0].tolist() == [True, True, True, False, False]
    assert grid.close[0, 0] == early["close"][-1]


def test_the_digest_tells_data_apart(
    store: BarStore, market: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    names = sorted(market)

    def digest_of(of: BarStore, wanted: list[str], last: int = FIRST + 400) -> str:
        return of.digested_grid("here", FIRST, last, wanted)[1]

    digest = digest_of(store, names)
    assert digest == digest_of(store, names[::-1])
    assert digest != digest_of(store, names, FIRST + 399)
    assert digest != digest_of(store, names[:2])
    other = BarStore(tmp_path / "other")
    for name, bars in market.items():
        nudged = (
            pl.when(pl.arange(0, pl.len()) == 200).then(pl.col("close") + 1e-9).otherwise(pl.col("close"))
        )
        other.write("here", name, bars.with_columns(close=nudged))
    assert digest != digest_of(other, names)


def test_what_is_not_there_is_named_with_the_way_to_get_it(store: BarStore) -> None:
    with pytest.raises(DataError, match=r"no SOL/USD of venue here.*ballast data import"):
        store.grid("here", FIRST, FIRST, ["BTC/USD", "SOL/USD"])
    with pytest.raises(DataError, match="no bars of venue there"):
        store.grid("there", FIRST, FIRST)


def test_a_damaged_file_is_named_and_nothing_is_written_over_it(
    store: BarStore, market: dict[str, pl.DataFrame]
) -> None:
    file = store.root / "here" / "BTC-USD" / "2021.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    cut = file.read_bytes()
    with pytest.raises(DataError, match=r"2021\.parquet is damaged"):
        store.read("here", "BTC/USD")
    with pytest.raises(DataError, match=r"2021\.parquet is damaged"):
        store.write("here", "BTC/USD", market["BTC/USD"])
    assert file.read_bytes() == cut


def test_an_interrupted_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(file) as draft:
        draft.write_text("ne")
        raise KeyboardInterrupt
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_who_reads_beside_a_writer_sees_the_old_file_or_the_new_one(
    tmp_path: Path, market: dict[str, pl.DataFrame]
) -> None:
    store, bars = BarStore(tmp_path), market["BTC/USD"]
    store.write("here", "BTC/USD", bars[:-PARTS])

    def add() -> None:
        for part in bars[-PARTS:].iter_slices(1):
            store.write("here", "BTC/USD", part)

    with ThreadPoolExecutor(1) as pool:
        writing, heights = pool.submit(add), [0]
        while not writing.done():
            heights.append(store.read("here", "BTC/USD").height)
        writing.result()
    assert heights == sorted(heights)


def test_raw_objects_are_named_by_content_kept_once_and_read_only(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"prices")
    objects = ObjectStore(tmp_path / "objects")
    name = objects.put(source)
    source.write_bytes(b"others")
    assert objects.put(source) != name
    assert objects.path(name).read_bytes() == b"prices"
    assert not objects.path(name).stat().st_mode & 0o222
    with pytest.raises(DataError, match="no raw object"):
        objects.path("0" * 64)
