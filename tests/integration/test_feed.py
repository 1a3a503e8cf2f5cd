"""The feed loses no hour of any instrument, whatever its process dies of."""

from pathlib import Path

import polars as pl
import pytest

from adapters.bars import BarStore
from adapters.feed import REACH_H, WINDOW_H, VenueFeed
from adapters.kraken.market_data import Hours
from trading.clock import TradingHour
from trading.errors import DataError
from trading.quality import SCHEMA

VENUE, NAMES, HOUR = "kraken", ("AAA/USD", "BBB/USD", "CCC/USD"), TradingHour(478_000)


class Killed(BaseException):
    """The end of the process."""


class Market:
    """A venue that has every hour, as far back as it reaches."""

    def __init__(self, silent: tuple[str, ...] = ()) -> None:
        self.asked: dict[str, int] = {}
        self._silent = silent

    def now_s(self) -> float:
        return 0.0

    def recent(self, name: str, first: int, now_s: float) -> Hours:
        # A clock that is behind must not make the newest hour look unfinished.
        assert now_s >= HOUR.asof.timestamp()
        if first <= HOUR.number + 1 - REACH_H - 24:
            raise DataError("too old")
        self.asked[name] = first
        last = first - 1 if name in self._silent else HOUR.number + 1
        return Hours(bars(range(first, last + 1)), pl.DataFrame(), ())


class Mortal(BarStore):
    """A store whose process dies before its nth write."""

    lives = 10**9

    def write(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        if not self.lives:
            raise Killed
        self.lives -= 1
        return super().write(*args, **kwargs)  # type: ignore[arg-type]


def bars(hours: range) -> pl.DataFrame:
    rows = [(TradingHour(h).asof, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1) for h in hours]
    return pl.DataFrame([dict(zip(SCHEMA, row, strict=False)) for row in rows], schema=SCHEMA)


def fed(store: BarStore, market: Market) -> VenueFeed:
    return VenueFeed(VENUE, market, store, NAMES)  # type: ignore[arg-type]


def stored(store: BarStore, through: TradingHour, names: tuple[str, ...] = NAMES) -> None:
    for name in names:
        store.write(VENUE, name, bars(range(through.number - WINDOW_H - 99, through.number + 1)))


@pytest.mark.parametrize("lives", range(len(NAMES)))
def test_an_hour_whose_writing_was_cut_off_is_whole_after_the_next_start(tmp_path: Path, lives: int) -> None:
    store = Mortal(tmp_path)
    stored(store, HOUR.previous)
    store.lives = lives
    with pytest.raises(Killed):
        fed(store, Market()).catch_up(HOUR)
    store.lives = 99
    feed = fed(store, Market())
    feed.catch_up(HOUR)
    assert feed.window(HOUR).valid.all()
    assert [store.read(VENUE, name)["asof"][-1] for name in NAMES] == [HOUR.asof] * 3


def test_what_is_whole_is_not_asked_for_again(tmp_path: Path) -> None:
    market, store = Market(), BarStore(tmp_path)
    stored(store, HOUR)
    fed(store, market).catch_up(HOUR)
    assert market.asked == {}


def test_a_silent_instrument_does_not_hold_up_the_others(tmp_path: Path) -> None:
    market, store = Market(silent=NAMES[:1]), BarStore(tmp_path)
    stored(store, TradingHour(HOUR.number - 2 * REACH_H), NAMES[:1])
    stored(store, HOUR.previous, NAMES[1:])
    feed = fed(store, market)
    feed.catch_up(HOUR)
    assert market.asked == {NAMES[0]: HOUR.number - REACH_H + 1} | dict.fromkeys(NAMES[1:], HOUR.number)
    assert list(feed.window(HOUR).valid[-1]) == [False, True, True]


def test_an_hour_that_comes_again_is_in_the_window_once(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    stored(store, HOUR.previous)
    feed = fed(store, Market())
    feed.catch_up(HOUR)
    feed.catch_up(HOUR)
    feed.catch_up(HOUR.next)
    assert feed.window(HOUR.next).valid.all()


def test_a_store_that_is_too_old_altogether_is_said(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    stored(store, TradingHour(HOUR.number - 2 * REACH_H))
    with pytest.raises(DataError, match="too old"):
        fed(store, Market()).catch_up(HOUR)
