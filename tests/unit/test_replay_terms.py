"""A track is named after everything its hours depend on."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli.replay import Replay, named_after, number_of
from cli.supervisor.house import House
from trading.clock import TradingHour
from trading.errors import UsageError

PLAYED = Replay(
    venue="generated",
    instruments=("BTC/USD", "ETH/USD"),
    first=TradingHour(474_000),
    last=TradingHour(474_100),
    data_digest="0" * 64,
    predictor="trend-vote",
    fees="mission",
)
OTHERS = (
    {"venue": "kraken"},
    {"instruments": ("BTC/USD",)},
    {"first": TradingHour(474_001)},
    {"data_digest": "1" * 64},
    {"predictor": "trend-a"},
    {"fees": "kraken-2026-07"},
    {"cash": 5},
)


@pytest.mark.parametrize("change", OTHERS, ids=[next(iter(change)) for change in OTHERS])
def test_other_inputs_make_another_track(change: dict[str, object]) -> None:
    assert replace(PLAYED, **change).track(1) != PLAYED.track(1)


def test_the_same_inputs_make_the_same_track() -> None:
    assert replace(PLAYED).track(1) == PLAYED.track(1)
    assert PLAYED.track(2).removesuffix("2") == PLAYED.track(1).removesuffix("1")


def test_a_start_goes_on_with_the_newest_track_unless_a_new_one_is_asked_for(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert number_of(house, PLAYED, new=False) == 1
    for number in (1, 2, 10):
        house.track(PLAYED.track(number)).mkdir(parents=True)
    house.track(replace(PLAYED, cash=5).track(77)).mkdir()
    assert number_of(house, PLAYED, new=False) == 10
    assert number_of(house, PLAYED, new=True) == 11


def test_a_folder_says_whose_bars_it_holds_by_its_name() -> None:
    assert named_after(Path("/data/hourly/binance/2024")) == "binance"
    with pytest.raises(UsageError, match="--venue with one of kraken, binance, coinbase"):
        named_after(Path("/data/hourly"))


def test_whole_days_cover_the_hours_to_play() -> None:
    assert PLAYED.days == 5
