"""Ask trained models, one thread, the same answer whatever else is asked at the same time.

Every call of the graph has exactly `BLOCK` rows; fewer are padded. The rows of a graph do not touch each
other, so a row has the same bits in a month at once as in an hour alone. Only onnxruntime and NumPy stand
here: a process that predicts loads none of the libraries that train.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from trading.errors import DataError, UsageError
from trading.market import Floats
from trading.models.artefact import GRAPH, Artefact
from trading.models.raw import Raw
from trading.models.rows import Features

Ints = NDArray[np.int64]

BLOCK = 20
"""Rows of a call: measured best for an hour of 20 instruments. Bits do not depend on it, only time does."""


class Runtime:
    """One artefact, ready to be asked."""

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                artefact.parts[GRAPH], options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise DataError(f"the graph of the {artefact.family} cannot be read; train it again") from error
        (self._input,) = self._session.get_inputs()
        self._outputs = [output.name for output in self._session.get_outputs()]

    def predict(self, features: Features) -> Raw:
        """Of a tree family: (rows, F) float32 features."""
        return Raw(**self._run(len(features), lambda rows: features[rows]))

    def predict_sequences(self, values: Features, hours: Ints, instruments: Ints) -> Raw:
        """Of a net: the rows of `hours` and `instruments` in a panel (hours, instruments, features) float32.

        The panel reaches `steps` - 1 hours further back than the first of them.
        """
        meta = self.artefact.meta
        steps, panel = int(meta["steps"]), values[:, :, list(meta["columns"])]
        return Raw(
            **self._run(len(hours), lambda rows: windows(panel, hours[rows], instruments[rows], steps))
        )

    def probabilities(self, features: Features) -> Floats:
        """Of the regime classifier: (rows, F) features to (rows, classes)."""
        return self._run(len(features), lambda rows: features[rows])["probabilities"]

    def dissimilarity(self, features: Features) -> Floats:
        """Of the dissimilarity guard: (rows, F) features to (rows,)."""
        return self._run(len(features), lambda rows: features[rows])["dissimilarity"][:, 0]

    def _run(self, count: int, rows: Callable[[slice], Features]) -> dict[str, Floats]:
        """Every output by name for `count` rows, float64; `rows` cuts out the inputs of a block."""
        block = np.zeros((BLOCK, *self._input.shape[1:]), dtype=np.float32)
        parts: list[list[NDArray[Any]]] = []
        for first in range(0, count, BLOCK):
            cut = rows(slice(first, first + BLOCK))
            block[: len(cut)], block[len(cut) :] = cut, 0.0
            answer = self._session.run(self._outputs, {self._input.name: block})
            parts.append([part[: len(cut)] for part in answer])
        columns = zip(*parts, strict=True) if parts else ([np.empty((0, 0))] for _ in self._outputs)
        return {
            name: np.concatenate(column).astype(np.float64)
            for name, column in zip(self._outputs, columns, strict=True)
        }


def windows(values: Features, hours: Ints, instruments: Ints, steps: int) -> Features:
    """(rows, steps, columns): for each row, the `steps` hours up to and with it.

    `values` is (hours, instruments, columns); a row with fewer hours before it is a `UsageError`.
    """
    if hours.size and int(hours.min()) < steps - 1:
        raise UsageError(f"a sequence needs {steps} hours up to its asof; give more history")
    back = np.arange(1 - steps, 1)
    cut: Features = values[hours[:, None] + back, instruments[:, None]]
    return cut
