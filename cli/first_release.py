"""The release that a new home's replay begins with."""

import getpass
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from trading.clock import TradingHour
from trading.errors import UsageError

BEFORE = timedelta(days=3)
"""Between the newest bar that the release is trained on and the first hour."""


def first_release(home: Path, first: TradingHour, say: Callable[[str], None]) -> None:
    """Train the `quick` release of the made-up market before `first` and promote it for replay, if this home
    has no champion. The person who asked for `champion` is who promotes it, and is on record.
    """
    from cli.models import open_registry
    from cli.train import bundle
    from cli.walkforward import execute
    from simulator.generator import VENUE

    registry = open_registry(home)
    try:
        registry.version("champion")
    except UsageError:
        say("this home has no champion: training the quick release on bars before the first hour")
        walked = execute(home, None, first.asof - BEFORE, "quick", VENUE, None)
        known = registry.register(bundle(home, Path(walked["log"])))
        registry.promote(known.version, "replay", getpass.getuser(), "`ballast up` on a new home")
        say(f"release {known.version} ({known.digest[:12]}) is champion of replay")
