"""A row has the same bits alone, in its hour, in a month and in any order; serving loads no trainer."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sequences import FAST, FIRST, planted
from trading.errors import DataError
from trading.models import lstm, transformer
from trading.models.artefact import GRAPH
from trading.models.raw import Raw
from trading.models.runtime import BLOCK, Runtime

HOURS, INSTRUMENTS = 120, 30
MARKET = planted(3, HOURS, INSTRUMENTS)
TRAINERS = ("torch", "lightgbm", "xgboost", "sklearn", "onnx", "pandas", "polars", "numba", "mlflow")


def fitted(module):
    train, tail = planted(1, hours=600, instruments=2).purged_tail(0.2, 49)
    return Runtime(module.fit(train, tail, FIRST + 700, FAST._replace(epochs=1), 1, print))


RUNTIMES = [fitted(lstm), fitted(transformer)]


def ask(runtime, hours, instruments):
    return runtime.predict_sequences(MARKET.values, np.asarray(hours), np.asarray(instruments))


def equal(one: Raw, two: Raw) -> bool:
    return np.array_equal(one.logits, two.logits) and np.array_equal(one.z, two.z)


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda r: r.artefact.family)
@given(data=st.data())
def test_any_block_of_rows_has_the_bits_of_each_row_alone(runtime, data):
    row = st.tuples(st.integers(FAST.steps - 1, HOURS - 1), st.integers(0, INSTRUMENTS - 1))
    rows = np.array(data.draw(st.lists(row, min_size=1, max_size=3 * BLOCK)))
    together = ask(runtime, rows[:, 0], rows[:, 1])
    alone = [ask(runtime, rows[i : i + 1, 0], rows[i : i + 1, 1]) for i in range(min(len(rows), 8))]
    for i, one in enumerate(alone):
        assert np.array_equal(one.logits[0], together.logits[i])
        assert np.array_equal(one.z[0], together.z[i])


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda r: r.artefact.family)
@pytest.mark.parametrize("instruments", [15, 20, 30])
def test_an_hour_alone_has_the_bits_of_the_month_and_needs_no_more_than_its_window(runtime, instruments):
    hours, columns = np.nonzero(np.ones((HOURS, instruments), dtype=bool))
    late = hours >= FAST.steps - 1
    month = ask(runtime, hours[late], columns[late])
    for hour in range(FAST.steps - 1, HOURS, 17):
        window = MARKET.values[hour + 1 - FAST.steps : hour + 1]
        at = np.full(instruments, FAST.steps - 1)
        alone = runtime.predict_sequences(window, at, np.arange(instruments))
        of_hour = hours[late] == hour
        assert equal(alone, Raw(month.logits[of_hour], month.z[of_hour]))


def test_nobody_asked_nothing_answered():
    assert len(ask(RUNTIMES[0], np.empty(0, int), np.empty(0, int)).z) == 0


def test_a_damaged_graph_is_refused():
    artefact = RUNTIMES[0].artefact
    with pytest.raises(DataError, match="graph of the lstm cannot be read"):
        Runtime(artefact._replace(parts={GRAPH: artefact.parts[GRAPH][:1000]}))


def test_asking_loads_nothing_that_trains_and_starts_at_once():
    program = (
        f"import sys, trading.models.runtime\nprint([name for name in {TRAINERS} if name in sys.modules])"
    )
    before = os.times()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    after = os.times()
    assert done.stdout.strip() == "[]"
    # CPU seconds: a busy machine stretches the wall clock.
    assert after.children_user - before.children_user + after.children_system - before.children_system < 0.5
