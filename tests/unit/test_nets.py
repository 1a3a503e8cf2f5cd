"""Each net finds a planted edge, learns the same twice, stops by its tail, and says the same as a graph."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.sequences import FAST, FIRST, planted
from trading.errors import InvariantError, UsageError
from trading.models import lstm, net_graphs, transformer
from trading.models.artefact import GRAPH, Artefact
from trading.models.net_graphs import lstm_graph, transformer_graph
from trading.models.nets import Panel, fit_scaler
from trading.models.presets import Nets
from trading.models.runtime import Runtime, windows
from trading.models.sequences import COLUMNS, Scaler, Sequences

NOW = FIRST + 1_600
FAMILIES = {"lstm": lstm.fit, "transformer": transformer.fit}
GAP_H = 49
ROOT = Path(__file__).resolve().parents[2]


def trained(
    family: str, seed: int = 1, numbers: Nets = FAST, edge: float = 0.3
) -> tuple[Artefact, list[str]]:
    beats: list[str] = []
    train, tail = planted(1, edge=edge).purged_tail(numbers.tail, GAP_H)
    return FAMILIES[family](train, tail, NOW, numbers, seed, beats.append), beats


@pytest.mark.parametrize("family", FAMILIES)
def test_a_net_alone_recovers_half_of_a_planted_edge(family):
    artefact, beats = trained(family)
    fresh = planted(2)
    hours, instruments = np.nonzero(fresh.teaches & (np.arange(1_500) >= FAST.steps)[:, None])
    raw = Runtime(artefact).predict_sequences(fresh.values, hours, instruments)
    for h in range(3):
        told = fresh.scaled[hours, instruments, h]
        assert np.corrcoef(raw.z[:, h], told)[0, 1] > 0.15
        assert np.corrcoef(raw.logits[:, h], told)[0, 1] > 0.15
    assert len(beats) == sum(artefact.meta["epochs"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_rows_and_seed_give_the_same_bytes_and_another_seed_others(family):
    one, two, other = (trained(family, seed)[0].digest for seed in (1, 1, 2))
    assert one == two != other


def test_another_process_learns_the_same():
    program = "from tests.unit.test_nets import trained; print(trained('lstm')[0].digest)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == trained("lstm")[0].digest


@pytest.mark.parametrize("family", FAMILIES)
def test_training_stops_when_the_tail_has_had_enough_and_keeps_the_best(family):
    restless = FAST._replace(epochs=12, learning_rate=0.1, patience=1)
    artefact, beats = trained(family, numbers=restless, edge=0.0)
    losses = [float(beat.rsplit(" ", 1)[1]) for beat in beats]
    assert artefact.meta["epochs"] == [len(beats)]
    assert len(beats) < 12
    assert artefact.meta["epochs_kept"] == [int(np.argmin(losses)) + 1]
    assert artefact.meta["tail_losses"] == pytest.approx([min(losses)], abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_lies_in_the_gap_or_after_teaches_nothing(family):
    market = planted(1)
    train, tail = market.purged_tail(0.1, GAP_H)
    first_tail = int(np.flatnonzero(tail.teaches.any(axis=1))[0])
    scrambled = market.scaled.copy()
    scrambled[first_tail - GAP_H :] *= -1
    same = market._replace(scaled=scrambled).purged_tail(0.1, GAP_H)[0]
    one = FAMILIES[family](train, tail, NOW, FAST, 1, print)
    two = FAMILIES[family](same, tail, NOW, FAST, 1, print)
    assert one.digest == two.digest


@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_says_the_mean_of_what_the_trained_nets_say(family):
    market = planted(4, hours=200, instruments=3)
    scaler = fit_scaler(market)
    net, graph = {
        "lstm": (lstm.Lstm, lstm_graph),
        "transformer": (transformer.Transformer, transformer_graph),
    }[family]
    torch.manual_seed(3)
    nets = [net(FAST).eval() for _ in range(3)]
    meta = {"steps": FAST.steps, "columns": list(range(len(COLUMNS)))}
    artefact = Artefact(family, meta, {GRAPH: graph([of.state_dict() for of in nets], scaler, FAST)})
    hours, instruments = np.nonzero(np.ones((200, 3), dtype=bool) & (np.arange(200) >= FAST.steps)[:, None])
    raw = Runtime(artefact).predict_sequences(market.values, hours, instruments)
    inputs = torch.from_numpy(scaler.apply(windows(market.values, hours, instruments, FAST.steps)))
    with torch.no_grad():
        out = np.mean([of(inputs).numpy() for of in nets], axis=0)
    out = out[:, -1] if out.ndim == 3 else out
    assert np.hstack((raw.logits, raw.z)) == pytest.approx(out, abs=1e-5)


@pytest.mark.parametrize(("family", "broken"), [("lstm", "_gates"), ("transformer", "_attend")])
def test_a_graph_that_says_other_things_than_its_nets_is_never_kept(
    family: str, broken: str, monkeypatch: pytest.MonkeyPatch
):
    right = getattr(net_graphs, broken)
    wrong = {
        "_gates": lambda weight: right(weight)[::-1].copy(),
        "_attend": lambda draw, x, *of: draw.node("Add", x, right(draw, x, *of)),
    }
    monkeypatch.setattr(net_graphs, broken, wrong[broken])
    with pytest.raises(InvariantError, match=f"the graph of the {family} is"):
        trained(family)


def test_a_chunk_asks_about_every_hour_that_teaches_but_those_of_the_first_warm_up():
    market = planted(5, hours=900, instruments=2)
    panel = Panel.of(market, fit_scaler(market), NOW)
    asked = np.zeros((2, 900))
    chunks = lstm._Chunks(panel._replace(values=torch.arange(2 * 900.0).reshape(2, 900, 1)), FAST)
    for batch in chunks.epoch(None):
        spot = batch.inputs[:, :, 0].long().numpy().ravel()
        np.add.at(asked.reshape(-1), spot, batch.weights[:, :, 0].numpy().ravel() > 0)
    begin = int(np.flatnonzero(asked.any(axis=0))[0])
    assert begin < lstm.CHUNK_H
    assert np.array_equal(asked[:, begin:], market.teaches.T[:, begin:])


def test_scaling_learns_from_teaching_hours_alone_and_fills_gaps_with_the_median():
    market = planted(6, hours=300, instruments=2)
    late = market.only(np.arange(300) < 200)
    disturbed = late.values.copy()
    disturbed[200:] *= 100
    assert np.array_equal(fit_scaler(late).centre, fit_scaler(late._replace(values=disturbed)).centre)
    scaler = Scaler(np.array([1, 5], np.float32), np.array([2, 1], np.float32))
    told = scaler.apply(np.array([[3, np.nan], [1e9, 5]], np.float32))
    assert np.array_equal(told, np.array([[1, 0, 0.5], [5, 0, 0]], np.float32))


def test_a_column_nobody_knows_scales_to_nothing():
    scaler = Scaler.of(np.array([[np.nan, 1], [np.nan, 2]], np.float32))
    assert np.array_equal(scaler.apply(np.array([[np.nan, 1.5]], np.float32)), [[0, 0, 0.5]])


def test_every_hour_has_one_voice_and_old_hours_a_quieter_one():
    market = planted(7, hours=6_600, instruments=3)
    alone = market.scaled.copy()
    alone[100, 1:] = np.nan
    weights = market._replace(scaled=alone).weights(FIRST + 6_600)
    voices = weights.sum(axis=1)
    assert weights[weights > 0].mean() == pytest.approx(1.0, rel=1e-4)
    assert voices[100] == pytest.approx(voices[101], rel=1e-3)
    assert voices[99] / voices[99 + 270 * 24 - 24] == pytest.approx(0.5, rel=0.01)


def test_missing_features_and_history_are_named():
    market = planted(8, hours=60, instruments=1)
    with pytest.raises(UsageError, match="slope_24h"):
        _ = market._replace(names=tuple(f"x_{name}" for name in COLUMNS)).columns
    with pytest.raises(UsageError, match="24 hours"):
        windows(market.values, np.array([22]), np.array([0]), 24)
    silent = Sequences(FIRST, COLUMNS, market.values, np.full_like(market.scaled, np.nan))
    with pytest.raises(UsageError, match="no hour has settled labels"):
        silent.purged_tail(0.1, GAP_H)
