"""What a replay plays: whose bars, from when to when, what decides, and the name that follows from all of it.

A track's name begins with the digest of everything that its hours depend on. The same inputs therefore find
the same track and go on with it; anything else begins another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.supervisor.house import House
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    from adapters.bars import BarStore

WINDOW_H = 122 * DAY_H
"""Hours that must lie before the first decision."""
SEED, YEARS, INSTRUMENTS = 7, 4, 12
"""The made-up market of a new home, the same as that of `ballast demo`."""
OPENING = TradingHour.at(datetime(2024, 7, 4, 22, tzinfo=UTC))
"""Two hours before the benchmark policy's first entries in the made-up market."""
CASH = 100_000
"""Opening balance in the quote currency."""
DIGEST_SHOWN = 12
PLAYED = "kraken"
"""Under this venue the exchange publishes what it plays, whoever recorded it."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Replay:
    """The terms of a replayed track."""

    venue: str
    instruments: tuple[str, ...]
    first: TradingHour
    """asof of the first decision."""
    last: TradingHour
    """asof of the last bar there is; the hour before it is the last one to be decided."""
    data_digest: str
    predictor: str
    fees: str
    cash: int = CASH

    def terms(self) -> dict[str, Any]:
        """Everything that the track's hours depend on, as its database keeps it."""
        from config import trading

        return {
            "mode": "replay",
            "venue": self.venue,
            "instruments": list(self.instruments),
            "first": str(self.first),
            "data_digest": self.data_digest,
            "config_digest": trading.load(self.fees).digest(),
            "predictor": self.predictor,
            "fees": self.fees,
            "cash": self.cash,
        }

    def track(self, number: int) -> str:
        from trading.config import canonical_digest

        return f"replay-{canonical_digest(self.terms())[:DIGEST_SHOWN]}-{number}"

    @property
    def pairs(self) -> tuple[str, ...]:
        """What is traded, by the names of the venue that is played."""
        return tuple(played_as(name) for name in self.instruments)

    @property
    def days(self) -> int:
        """Whole days from the first decision to the last bar."""
        return max(1, -(-(self.last.number - self.first.number) // DAY_H))


def number_of(house: House, replay: Replay, *, new: bool) -> int:
    """Which of the tracks of these inputs: the newest one, or the next when a `new` one is asked for."""
    stem = replay.track(0).removesuffix("0")
    taken = [
        int(folder.name.removeprefix(stem)) for folder in house.track(stem + "0").parent.glob(stem + "*")
    ]
    newest = max(taken, default=0)
    return newest + 1 if new or not newest else newest


def made_up(home: Path, predictor: str, fees: str, begin: datetime | None, say: Say) -> Replay:
    """A replay of the generated market, which is made first if this home has none."""
    from adapters.bars import BarStore
    from cli.data import make_market
    from simulator.generator import VENUE

    store = BarStore(home / "bars")
    if VENUE not in store.venues():
        say(f"making up a market of {INSTRUMENTS} instruments, {YEARS} years (the same ones every time)")
        make_market(home, SEED, YEARS, INSTRUMENTS)
    return over(store, VENUE, predictor, fees, TradingHour.at(begin) if begin else OPENING)


def recorded(
    home: Path, folder: Path, venue: str | None, predictor: str, fees: str, begin: datetime | None, say: Say
) -> Replay:
    """A replay of real bars, which are imported first; bars that are in the store already are left alone."""
    from adapters.bars import BarStore
    from cli.backtest import import_first

    venue = venue or named_after(folder)
    say(f"importing {folder} as bars of {venue}; what is here already is left alone")
    import_first(folder, venue, home, quiet=False)
    store = BarStore(home / "bars")
    return over(store, venue, predictor, fees, TradingHour.at(begin) if begin else None)


def named_after(folder: Path) -> str:
    """The data venue that a folder's path names; a `UsageError` when it names none."""
    from config import trading

    for part in reversed(folder.absolute().parts):
        if part in trading.data_venues():
            return part
    known = ", ".join(name for name in trading.data_venues() if name != "generated")
    raise UsageError(f"say whose bars {folder} holds: --venue with one of {known}")


def over(store: "BarStore", venue: str, predictor: str, fees: str, first: TradingHour | None) -> Replay:
    """A replay of a stored venue from `first`, or from the first midnight with a whole window behind it."""
    from cli.running import tradable
    from config import trading

    check_decider(predictor)
    quote = trading.data_venues()[venue].quote
    names = [n for n in store.instruments(venue) if n.endswith(f"/{quote}") and tradable(played_as(n))]
    if not names:
        raise DataError(f"none of the bars of {venue} is of a pair against {quote} that Ballast trades")
    begin, end = span(store, venue, names)
    first = first or TradingHour(-(-(begin.number + WINDOW_H) // DAY_H) * DAY_H)
    if not begin.number + WINDOW_H <= first.number < end.number:
        raise UsageError(
            f"bars of {venue} reach from {begin} to {end}, and {WINDOW_H // DAY_H} days must lie before the "
            f"first hour; choose --from inside, not {first}"
        )
    grid, digest = store.digested_grid(venue, first.number - WINDOW_H, end.number, names)
    played = tuple(name for a, name in enumerate(grid.instruments) if bool(grid.valid[:, a].any()))
    return Replay(venue, played, first, end, digest, predictor, fees)


def played_as(name: str) -> str:
    """The pair that an instrument's bars are played as: bars against USDT stand in for those against USD."""
    from config import trading

    return f"{name.split('/')[0]}/{trading.data_venues()[PLAYED].quote}"


def check_decider(predictor: str) -> None:
    """Refuse a name that nothing decides by."""
    if predictor not in deciders():
        raise UsageError(f"no predictor {predictor!r}; choose one of {', '.join(deciders())}")


def deciders() -> tuple[str, ...]:
    """What a replayed hour can be decided by."""
    from trading.models.promotion import CHAMPION
    from trading.policies.benchmarks import POLICIES
    from trading.policies.exercise import EXERCISE

    return (*POLICIES, CHAMPION, EXERCISE)


def span(store: "BarStore", venue: str, names: list[str]) -> tuple[TradingHour, TradingHour]:
    """asof of the first and of the last bar that any of the instruments has."""
    times = [store.read(venue, name)["asof"].sort() for name in names]
    found = [(bars[0], bars[-1]) for bars in times if bars.len()]
    first, last = min(row[0] for row in found), max(row[1] for row in found)
    return TradingHour.at(first), TradingHour.at(last)
