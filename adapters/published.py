"""Bars as a venue publishes them: prices on its ticks, volumes in its lots.

A replay's simulator tells nothing finer, so bars of another source become these before they are replayed, and
a backtest of the same hours reads these too. Volumes are chosen so that going from lots to a float and back
changes nothing: 29 lots of 0.01 would come back as 28.
"""

import numpy as np
import polars as pl

from trading.grid import PRICES
from trading.instruments import UNITS, Instrument
from trading.quality import SCHEMA


def published(bars: pl.DataFrame, instrument: Instrument, volume_scale: float) -> pl.DataFrame:
    """The bars of one instrument on the grid of the venue that trades it; an hour without a lot has none."""
    columns: dict[str, object] = {"asof": bars["asof"], "trades": bars["trades"]}
    for name in PRICES:
        ticks = np.maximum(np.floor(bars[name].to_numpy() * UNITS / instrument.tick_e8 + 0.5), 1.0)
        columns[name] = ticks * instrument.tick_e8 / UNITS
    lots = np.floor(bars["volume"].to_numpy() * (volume_scale * instrument.lots_per_unit))
    while True:
        volume = lots / instrument.lots_per_unit
        again = np.floor(volume * float(instrument.lots_per_unit))
        if (again == lots).all():
            break
        lots = again
    columns["volume"] = volume
    return pl.DataFrame(columns).select(*SCHEMA).cast(SCHEMA).filter(pl.col("volume") > 0)
