"""The LSTM: one layer, a normalised last state, six outputs.

It is trained on chunks of ten days with a loss at every hour after the warm-up, which teaches as much from
one pass over an hour as a window for each hour does from `steps` passes. It is asked about windows of
`steps` hours from a blank state, a memory well within those it was trained with.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from trading.models.artefact import Artefact
from trading.models.net_graphs import lstm_graph
from trading.models.nets import (
    OUTPUTS,
    Batch,
    Panel,
    Random,
    artefact,
    described,
    fit_members,
    fit_scaler,
)
from trading.models.presets import Nets
from trading.models.sequences import COLUMNS, Sequences

CHUNK_H = 240
WINDOWS_A_CHUNK = 32
"""A batch has as many chunks as `batch` windows are worth, so that both nets take steps of one size."""
WARM_UP_SHARE = 0.5
"""Of `steps`: hours at the head of a chunk that are read and not asked about."""


class Lstm(nn.Module):
    """(batch, hours, columns + 1) to (batch, hours, outputs)."""

    def __init__(self, numbers: Nets) -> None:
        super().__init__()
        self.lstm = nn.LSTM(len(COLUMNS) + 1, numbers.hidden, batch_first=True)
        self.norm = nn.LayerNorm(numbers.hidden)
        self.dropout = nn.Dropout(numbers.dropout)
        self.head = nn.Linear(numbers.hidden, OUTPUTS)

    def forward(self, values: Tensor) -> Tensor:
        states, _ = self.lstm(values)
        outputs: Tensor = self.head(self.dropout(self.norm(states)))
        return outputs


def fit(
    train: Sequences,
    validate: Sequences,
    trained_through: int,
    numbers: Nets,
    seed: int,
    beat: Callable[[str], None],
) -> Artefact:
    """Train on `train`, stop by `validate`; `beat` hears of every epoch."""
    scaler = fit_scaler(train)
    chunks = _Chunks(Panel.of(train, scaler, trained_through), numbers)
    tail = _Chunks(Panel.of(validate, scaler, trained_through), numbers)
    members = fit_members(lambda: Lstm(numbers), chunks.epoch, tail.epoch, chunks.steps, numbers, seed, beat)
    meta = described(train, trained_through, numbers, seed, members)
    graph = lstm_graph([of.weights for of in members], scaler, numbers)
    return artefact("lstm", meta, graph, (Lstm(numbers) for _ in members), members, scaler)


class _Chunks:
    """Spans whose asked-about hours tile the panel from its end: the newest hour is never left out."""

    def __init__(self, panel: Panel, numbers: Nets) -> None:
        self._panel = panel
        self._warm_up = int(numbers.steps * WARM_UP_SHARE)
        self._batch = max(numbers.batch // WINDOWS_A_CHUNK, 1)
        weights = panel.weights[:, :, 0].numpy()
        self._taught = np.pad(np.cumsum(weights > 0, axis=1), ((0, 0), (1, 0)))

    @property
    def steps(self) -> int:
        """Batches in a pass."""
        return -(-len(self._starts(0)[0]) // self._batch)

    def epoch(self, random: Random | None) -> Iterator[Batch]:
        """One pass; with `random` the tiles are moved and shuffled."""
        offset = int(random.integers(CHUNK_H - self._warm_up)) if random else 0
        instruments, starts = self._starts(offset)
        order = random.permutation(len(starts)) if random else np.arange(len(starts))
        for first in range(0, len(order), self._batch):
            take = order[first : first + self._batch]
            batch = self._panel.batch(instruments[take], starts[take], CHUNK_H)
            batch.weights[:, : self._warm_up] = 0.0
            if float(batch.weights.sum()) > 0.0:
                yield batch

    def _starts(self, offset: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Instrument and first hour of every chunk that asks about an hour that teaches."""
        hours = self._taught.shape[1] - 1
        starts = np.arange(hours - CHUNK_H - offset, -1, self._warm_up - CHUNK_H)[::-1]
        asked: NDArray[np.int64] = self._taught[:, starts + CHUNK_H] - self._taught[:, starts + self._warm_up]
        instruments, at = np.nonzero(asked)
        return instruments, starts[at]
