"""Files of all layouts, whole and broken, become bars, quarantined rows or a refusal, and never a loss."""

import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from adapters.bars import BarStore
from adapters.importing.run import Imported, import_path

START_S = 1_672_531_200
NOW_S = START_S + 90 * 86_400
HOUR_S = 3600


def run(path: Path, home: Path, venue: str = "kraken") -> list[Imported]:
    return import_path(path, venue, home, NOW_S, lambda *_: None)


def one(path: Path, home: Path) -> Imported:
    (result,) = run(path, home)
    return result


def line(hour: float, close: float = 10.0, volume: str = "1.5") -> str:
    high, low = max(10.0, close) + 1, min(10.0, close) - 1
    return f"{START_S + int(hour * HOUR_S)},10.0,{high},{low},{close},{volume},3"


def write(file: Path, lines: list[str], end: str = "\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes("".join(text + end for text in lines).encode())
    return file


def stored(home: Path, instrument: str = "BTC/USD", venue: str = "kraken") -> pl.DataFrame:
    return BarStore(home / "bars").read(venue, instrument)


def manifest(home: Path) -> dict:
    return json.loads((home / "bars/kraken/manifest.json").read_text())


def parquet(hours: int = 48) -> bytes:
    time = pl.from_epoch(pl.Series("time", [START_S + i * HOUR_S for i in range(hours)]), time_unit="s")
    flat = {name: [10.0] * hours for name in ("open", "high", "low", "close", "volume")}
    frame = pl.DataFrame({"time": time.dt.replace_time_zone("UTC")} | flat)
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def test_hours_are_keyed_by_their_close(tmp_path: Path) -> None:
    result = one(write(tmp_path / "XBTUSD_60.csv", [line(0), line(1, 11.0)]), tmp_path / "home")
    assert (result.status, result.instrument, result.added) == ("imported", "BTC/USD", 2)
    bars = stored(tmp_path / "home")
    assert bars["asof"].dt.epoch("s").to_list() == [START_S + HOUR_S, START_S + 2 * HOUR_S]
    assert bars.drop("asof").row(1) == (10.0, 12.0, 9.0, 11.0, 1.5, 3)


def test_hours_are_rebuilt_from_finer_bars(tmp_path: Path) -> None:
    lines = [line(0, 11.0), line(0.25, 8.0), line(0.75, 12.0), line(1.5, 9.0)]
    one(write(tmp_path / "XBTUSD_15.csv", lines), tmp_path / "home")
    bars = stored(tmp_path / "home").drop("asof")
    assert bars.rows() == [(10.0, 13.0, 7.0, 12.0, 4.5, 9), (10.0, 11.0, 8.0, 9.0, 1.5, 3)]


@pytest.mark.parametrize("layout", ["complete", "quarterly"])
def test_hours_are_rebuilt_from_trades_in_both_layouts(tmp_path: Path, layout: str) -> None:
    trades = [(0, "10.0", "1.0"), (0, "12.0", "1e-05"), (3599, "9.0", "2.0"), (3600, "11.0", "0.5")]
    if layout == "complete":
        lines = [f"{START_S + second},{price},{volume}" for second, price, volume in trades]
    else:
        lines = ["Price,Volume,Timestamp,Type,OrderType,Misc"]
        lines += [
            f"{price},{volume},{START_S + second}.1234,b,l,,{i}"
            for i, (second, price, volume) in enumerate(trades)
        ]
    one(write(tmp_path / "XBTUSD.csv", lines), tmp_path / "home")
    bars = stored(tmp_path / "home").drop("asof")
    assert bars.rows() == [(10.0, 12.0, 9.0, 9.0, 3.00001, 3), (11.0, 11.0, 11.0, 11.0, 0.5, 1)]


def test_a_header_windows_line_ends_and_blank_lines_are_no_fault(tmp_path: Path) -> None:
    lines = ["timestamp,open,high,low,close,volume,trades", line(0), "", line(1, volume="1e-05"), ""]
    result = one(write(tmp_path / "XBTUSD_60.csv", lines, end="\r\n"), tmp_path / "home")
    assert (result.added, result.quarantined) == (2, 0)


def test_parquet_and_a_mixed_archive_come_in_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/ETHUSD.parquet", parquet())
        archive.writestr("data/XBTUSD_60.csv", line(0) + "\n")
        archive.writestr("data/XBTUSD_1440.csv", line(0) + "\n")
        archive.writestr("__MACOSX/data/XBTUSD_60.csv", "junk")
        archive.writestr("readme.txt", "hello")
    results = {result.file: result for result in run(tmp_path / "all.zip", tmp_path / "home")}
    assert {name: result.status for name, result in results.items()} == {
        "all.zip/data/ETHUSD.parquet": "imported",
        "all.zip/data/XBTUSD_60.csv": "imported",
        "all.zip/data/XBTUSD_1440.csv": "skipped",
    }
    assert "1440 minutes" in results["all.zip/data/XBTUSD_1440.csv"].notes[0]
    assert stored(tmp_path / "home", "ETH/USD").height == 48
    assert {result.status for result in run(tmp_path / "all.zip", tmp_path / "home")} == {"known", "skipped"}


def test_bad_rows_go_to_quarantine_with_their_lines_and_good_ones_come_in(tmp_path: Path) -> None:
    lines = [line(0), line(1, -5.0), "half,a,line", line(3), line(3), line(2), line(4, volume="nan"), line(5)]
    lines += [
        line(24 * 365),
        f"{START_S + 6 * HOUR_S},10,9,11,10,1,1",
        "\udcff\udcfe".encode("utf8", "surrogateescape").decode("latin1"),
    ]
    home = tmp_path / "home"
    result = one(write(tmp_path / "in/XBTUSD_60.csv", lines), home)
    assert (result.added, result.quarantined) == (3, 8)
    source = next(iter(manifest(home)["sources"].values()))
    kept = pl.read_csv(home / "quarantine/kraken" / source["quarantine"])
    assert dict(kept.select("line", "reason").iter_rows()) == {
        2: "price is not positive",
        3: "not a number",
        5: "duplicate",
        6: "out of order",
        7: "not a number",
        9: "not closed yet",
        10: "high is below low",
        11: "not a number",
    }
    assert kept["text"][1] == "half,a,line"
    assert result.notes[0] == "line 2: price is not positive"


def test_another_value_for_a_stored_hour_goes_to_quarantine(tmp_path: Path) -> None:
    home = tmp_path / "home"
    one(write(tmp_path / "a/XBTUSD_60.csv", [line(0), line(1), line(2)]), home)
    result = one(write(tmp_path / "b/XBTUSD_60.csv", [line(0), line(1, 10.5), line(3)]), home)
    assert (result.added, result.quarantined, result.notes) == (
        1,
        1,
        ("line 2: differs from the stored bar",),
    )
    assert stored(home)["close"].to_list() == [10.0] * 4


def test_a_bar_cut_inside_its_hour_is_finished_by_a_later_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    one(write(tmp_path / "a/XBTUSD_60.csv", [line(0), line(1, volume="0.2")]), home)
    result = one(write(tmp_path / "b/XBTUSD_60.csv", [line(0), line(1, 12.0), line(2)]), home)
    assert (result.added, result.finished, result.quarantined) == (1, 1, 0)
    assert stored(home)["close"].to_list() == [10.0, 12.0, 10.0]


def truncated_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("XBTUSD_60.csv", "\n".join(line(i) for i in range(500)))
    return file.getvalue()[:-50]


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("XBTUSD_60.csv", b"0" * (64 << 20))
    return file.getvalue()


def lying_zip() -> bytes:
    """A member whose directory entry promises fewer bytes than it expands to."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("XBTUSD_60.csv", "\n".join(line(i) for i in range(500)))
    content = bytearray(file.getvalue())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (40).to_bytes(4, "little")
    return bytes(content)


def climbing_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../XBTUSD_60.csv", line(0))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.zip", truncated_zip(), "not a whole zip"),
        ("text.zip", b"no zip at all", "not a whole zip"),
        ("bomb.zip", bomb(), "expands"),
        ("lying.zip", lying_zip(), "not a whole zip"),
        ("climbing.zip", climbing_zip(), "outside the archive"),
        ("ETHUSD.parquet", parquet()[:-20], "not a whole parquet"),
        ("ETHUSD.parquet", parquet()[: len(parquet()) // 2], "not a whole parquet"),
        ("ETHUSD.parquet", b"", "not a whole parquet"),
        ("ETHUSD_60.csv", b"", "it is empty"),
        ("ETHUSD_60.csv", b"\x00\x01\x02" * 1000, "line 1: not a number"),
        ("ETHUSD_60.csv", b"x" * (1 << 17), "not a table"),
        ("ETHUSD_7.csv", (line(0) + "\n").encode(), "7 minutes"),
        ("ETHXYZ_60.csv", (line(0) + "\n").encode(), "not a pair"),
    ],
)
def test_a_broken_file_is_refused_by_name_while_the_others_come_in(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    home, folder = tmp_path / "home", tmp_path / "in"
    one(write(tmp_path / "before/XBTUSD_60.csv", [line(0)]), home)
    write(folder / "XBTUSD_60.csv", [line(1)])
    (folder / name).write_bytes(content)
    results = {result.file.partition("/")[0]: result for result in run(folder, home)}
    assert results[name].status in ("refused", "skipped")
    assert reason in results[name].notes[0]
    assert results["XBTUSD_60.csv"].added == 1
    assert stored(home).height == 2
    assert stored(home, "ETH/USD").is_empty()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: frame.drop("close"), "no column close"),
        (
            lambda frame: frame.with_columns(pl.col("time").dt.replace_time_zone(None)),
            "no times with a time zone",
        ),
        (lambda frame: frame.with_columns(pl.col("time").dt.offset_by("1ms")), "line 1: off the interval"),
        (lambda frame: frame.with_columns(close=pl.lit("ten")), "line 1: not a number"),
    ],
)
def test_parquet_with_other_columns_is_refused(tmp_path: Path, change, reason: str) -> None:
    change(pl.read_parquet(io.BytesIO(parquet()))).write_parquet(tmp_path / "XBTUSD.parquet")
    result = one(tmp_path / "XBTUSD.parquet", tmp_path / "home")
    assert result.status == "refused"
    assert reason in result.notes[0]


def test_a_second_import_has_nothing_to_do_and_the_raw_files_are_kept(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "in"
    file = write(folder / "XBTUSD_60.csv", [line(0), line(1)])
    run(folder, home)
    raw = file.read_bytes()
    assert [result.status for result in run(folder, home)] == ["known"]
    file.unlink()
    assert raw in [kept.read_bytes() for kept in (home / "objects").rglob("*") if kept.is_file()]


def test_an_import_that_was_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "in"
    for name in ("ADAUSD", "ETHUSD", "XBTUSD"):
        write(folder / f"{name}_60.csv", [line(0), line(1)])

    def interrupt(done: int, total: int, name: str) -> None:
        if total and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_path(folder, "kraken", home, NOW_S, interrupt)
    assert BarStore(home / "bars").instruments("kraken") == ["ADA/USD", "ETH/USD"]
    assert [result.status for result in run(folder, home)] == ["known", "known", "imported"]
    # Killed outright, before the manifest was written: the bars are there, and are found to be the same.
    (home / "bars/kraken/manifest.json").unlink()
    assert [(result.status, result.added) for result in run(folder, home)] == [("imported", 0)] * 3


def test_a_file_that_cannot_be_opened_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path / "in/XBTUSD_60.csv", [line(0)])
    home = tmp_path / "home"
    # A file lies where the instrument's folder would have to be made: the system refuses, whoever asks.
    write(home / "bars/kraken/ETH-USD", ["in the way"])
    write(tmp_path / "in/ETHUSD_60.csv", [line(0)])
    assert {r.file: r.status for r in run(tmp_path / "in", home)} == {
        "ETHUSD_60.csv": "refused",
        "XBTUSD_60.csv": "imported",
    }


def test_the_manifest_lists_gaps_wicks_and_sources(tmp_path: Path) -> None:
    wick = f"{START_S + 3 * HOUR_S},10,10,0.0001,10,1,1"
    one(write(tmp_path / "XBTUSD_60.csv", [line(0), wick, line(4)]), tmp_path / "home")
    document = manifest(tmp_path / "home")
    assert document["instruments"]["BTC/USD"] == {
        "first": "2023-01-01T01:00Z",
        "last": "2023-01-01T05:00Z",
        "hours": 3,
        "present": 0.6,
        "empty": 0,
        "gaps": [{"first": "2023-01-01T02:00Z", "hours": 2}],
        "wicks": ["2023-01-01T04:00Z"],
    }
    ((source, entry),) = document["sources"].items()
    assert source == f"{entry['object']}/XBTUSD_60.csv"
    assert (entry["file"], entry["hours"], entry["added"]) == ("XBTUSD_60.csv", 3, 3)


def test_a_long_file_is_read_in_blocks_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(i / 4, 10 + i % 3) for i in range(400)]
    lines[36:38] = ["", "broken"]
    lines[300:310] = lines[100:110]
    file = write(tmp_path / "XBTUSD_15.csv", lines)
    whole = one(file, tmp_path / "whole")
    monkeypatch.setattr("adapters.importing.rows.BLOCK_BYTES", 200)
    result = one(file, tmp_path / "blocks")
    assert result == whole
    assert result.quarantined == 11
    assert result.notes[:2] == ("line 38: not a number", "line 301: out of order")
    assert stored(tmp_path / "blocks").equals(stored(tmp_path / "whole"))
