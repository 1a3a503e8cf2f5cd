"""A market for the nets in which one feature says what will come, as much as `edge` says."""

import numpy as np

from trading.models.presets import Nets
from trading.models.sequences import COLUMNS, Sequences

FIRST = 400_000
SIGNAL = 7
"""The column that knows."""
PERSISTENCE = 0.95
FAST = Nets(
    steps=24,
    hidden=8,
    width=8,
    layers=1,
    heads=2,
    feed_forward=16,
    epochs=3,
    batch=32,
    learning_rate=1e-2,
    stride_h=2,
    seeds=1,
)


def planted(seed: int, hours: int = 1_500, instruments: int = 8, edge: float = 0.3) -> Sequences:
    """Features move slowly, as real ones do; labels of the last day are not settled, 2 % is unknown."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(hours, instruments, len(COLUMNS)))
    for t in range(1, hours):
        values[t] = PERSISTENCE * values[t - 1] + (1 - PERSISTENCE**2) ** 0.5 * values[t]
    noise = rng.normal(size=(hours, instruments, 3))
    scaled = edge * values[:, :, SIGNAL, None] + (1 - edge**2) ** 0.5 * noise
    scaled[-24:] = np.nan
    values[rng.random(values.shape) < 0.02] = np.nan
    return Sequences(FIRST, COLUMNS, values.astype(np.float32), scaled.astype(np.float32))
