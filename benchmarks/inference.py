"""One hour of 20 instruments asked of every model in our runtime, on one thread; `--peers`: of the libraries.

Models have the sizes of the `full` preset and learn from noise: the work does not depend on what they know.
`one of each` is a single classifier of each tree family and a single net of each kind, `release` all six
heads of the families and every member of the nets. Ratios are of medians, both interleaved in one run.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import lightgbm
import numpy as np
import torch
import xgboost
from sklearn.ensemble import RandomForestRegressor

from trading.models import forest, lstm, transformer, trees
from trading.models.artefact import GRAPH, Artefact
from trading.models.net_graphs import lstm_graph, transformer_graph
from trading.models.presets import preset
from trading.models.rows import Rows
from trading.models.runtime import Runtime, windows
from trading.models.sequences import COLUMNS, Scaler
from trading.models.tree_graph import FEATURES as INPUT
from trading.models.tree_graph import SCORES, from_lightgbm, from_sklearn, from_xgboost, model_of, scores_node

INSTRUMENTS, FEATURES, ROWS = 20, 55, 20_000
FULL = preset("full")
LIMIT_MS, LIMIT_TREES_MS = 2.8, 0.3
TURN = 20
"""Calls of one contestant before the next has its turn: caches are warm, as they are within an hour."""
TREES = ("lightgbm", "xgboost", "forest")

Ask = Callable[[], object]


def rows() -> Rows:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    returns = rng.normal(size=(ROWS, 3)) + features[:, :3]
    asof = 480_000 + np.arange(ROWS, dtype=np.int64) // INSTRUMENTS
    column = (np.arange(ROWS) % INSTRUMENTS).astype(np.int16)
    return Rows(asof, column, features, np.full(ROWS, 0.04), returns, returns, returns[:, 0])


def boosters(train: Rows) -> tuple[lightgbm.Booster, xgboost.Booster, RandomForestRegressor]:
    """A classifier of each library, in the sizes of the preset."""
    up = (train.returns[:, 2] > 0).astype(float)
    numbers = trees.lightgbm_parameters(FULL.boosting, 1) | trees.LIGHTGBM_OBJECTIVES[0]
    light = lightgbm.train(numbers, lightgbm.Dataset(train.features, up), FULL.boosting.rounds)
    numbers = trees.xgboost_parameters(FULL.boosting, 1) | trees.XGBOOST_OBJECTIVES[0]
    extreme = xgboost.train(numbers, xgboost.DMatrix(train.features, up), FULL.boosting.rounds)
    wood = RandomForestRegressor(
        FULL.forest.trees, max_depth=FULL.forest.depth, min_samples_leaf=40, n_jobs=1
    )
    return light, extreme, wood.fit(train.features[::4], np.column_stack((up, up))[::4])


def single(kind: str, made: list[object]) -> Runtime:
    graph = model_of([scores_node(made, 2, INPUT)], FEATURES, {SCORES: 2}, {})
    return Runtime(Artefact(kind, {}, {GRAPH: graph}))


def nets(members: int) -> tuple[dict[str, Runtime], dict[str, list[torch.nn.Module]], Scaler]:
    scaler = Scaler(np.zeros(len(COLUMNS), np.float32), np.ones(len(COLUMNS), np.float32))
    kinds = {"lstm": (lstm.Lstm, lstm_graph), "transformer": (transformer.Transformer, transformer_graph)}
    runtimes, modules = {}, {}
    for name, (net, graph) in kinds.items():
        modules[name] = [net(FULL.nets).eval() for _ in range(members)]
        content = graph([of.state_dict() for of in modules[name]], scaler, FULL.nets)
        meta = {"steps": FULL.nets.steps, "columns": list(range(len(COLUMNS)))}
        runtimes[name] = Runtime(Artefact(name, meta, {GRAPH: content}))
    return runtimes, modules, scaler


def contest(train: Rows, *, whole: bool) -> tuple[dict[str, Ask], dict[str, Ask]]:
    """What ours and what the libraries do in an hour, by family."""
    hour = np.ascontiguousarray(train.features[:INSTRUMENTS])
    light, extreme, wood = boosters(train)
    if whole:
        fitted = (
            trees.fit_lightgbm(train, 481_100, FULL.boosting, 1, len),
            trees.fit_xgboost(train, 481_100, FULL.boosting, 1, len),
            forest.fit(train, 481_100, FULL.forest, 1, len),
        )
        runtimes = {name: Runtime(made) for name, made in zip(TREES, fitted, strict=True)}
    else:
        made = (
            from_lightgbm(light.model_to_string(), 0),
            from_xgboost(bytes(extreme.save_raw("json")), 0),
            [from_sklearn(one.tree_, 0, np.ones(2) / FULL.forest.trees) for one in wood.estimators_],
        )
        runtimes = {name: single(name, of) for name, of in zip(TREES, made, strict=True)}
    heads, forests, members = (6, 3, FULL.nets.seeds) if whole else (1, 1, 1)
    ours: dict[str, Ask] = {
        name: lambda r=runtime: r._run(INSTRUMENTS, lambda of: hour[of]) for name, runtime in runtimes.items()
    }
    native: dict[str, Ask] = {
        "lightgbm": lambda: [light.predict(hour, num_threads=1) for _ in range(heads)],
        "xgboost": lambda: [extreme.inplace_predict(hour) for _ in range(heads)],
        "forest": lambda: [wood.predict(hour) for _ in range(forests)],
    }
    panel = (
        np.random.default_rng(2).normal(size=(FULL.nets.steps, INSTRUMENTS, len(COLUMNS))).astype(np.float32)
    )
    at, columns = np.full(INSTRUMENTS, FULL.nets.steps - 1), np.arange(INSTRUMENTS)
    running, modules, scaler = nets(members)
    for name, runtime in running.items():
        ours[name] = lambda r=runtime: r.predict_sequences(panel, at, columns)
        native[name] = lambda n=name: of_torch(modules[n], scaler, panel, at, columns)
    return ours, native


@torch.no_grad()
def of_torch(
    modules: list[torch.nn.Module], scaler: Scaler, panel: np.ndarray, at: np.ndarray, columns: np.ndarray
) -> object:
    inputs = torch.from_numpy(scaler.apply(windows(panel, at, columns, FULL.nets.steps)))
    return [net(inputs).numpy() for net in modules]


def measured(contestants: dict[str, Ask], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of CPU of this thread of every call; contestants take turns of `TURN` calls."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, ask in contestants.items():
            ask()
            for _ in range(TURN):
                start = time.thread_time()
                ask()
                taken[name].append(1e3 * (time.thread_time() - start))
    return taken


def show(title: str, ours: dict[str, list[float]], native: dict[str, list[float]]) -> float:
    """Print a table; returns our total, the sum of the families' medians, in ms."""
    print(
        f"{title:14}{'ours p50':>10}{'p99':>8}"
        + (f"{'native p50':>12}{'p99':>8}{'ratio':>8}" if native else "")
    )
    groups = {name: [name] for name in ours} | {"three trees": list(TREES), "all": list(ours)}
    for name, parts in groups.items():
        mine, theirs = together(ours, parts), together(native, parts) if native else None
        beside = f"{theirs[0]:12.3f}{theirs[1]:8.3f}{theirs[0] / mine[0]:7.1f}x" if theirs else ""
        print(f"{name:14}{mine[0]:10.3f}{mine[1]:8.3f}{beside}")
    return together(ours, list(ours))[0]


def together(taken: dict[str, list[float]], parts: list[str]) -> tuple[float, float]:
    """Median and 99th percentile of one call of each part after the other."""
    sums = [sum(of) for of in zip(*(taken[part] for part in parts), strict=True)]
    return statistics.median(sums), float(np.percentile(sums, 99))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="time the libraries beside ours")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, totals = rows(), {}
    for title, whole in (("one of each", False), ("release", True)):
        ours, native = contest(train, whole=whole)
        taken = measured(
            {f"ours {n}": a for n, a in ours.items()}
            | ({f"native {n}": a for n, a in native.items()} if options.peers else {}),
            options.rounds,
        )
        split = [
            {n: taken[f"{who} {n}"] for n in ours if f"{who} {n}" in taken} for who in ("ours", "native")
        ]
        totals[title] = show(title, *split), together(split[0], list(TREES))[0]
        print()
    total, of_trees = totals["one of each"]
    verdict = "kept" if total <= LIMIT_MS and of_trees <= LIMIT_TREES_MS else "broken"
    print(f"one of each: limit {LIMIT_MS} ms, trees {LIMIT_TREES_MS} ms: {verdict}; CPU ms, one thread")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
