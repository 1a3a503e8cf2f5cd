"""Train and ask the models of a walk-forward: folds in two processes, one thread each, resumable at any fold.

`run_fold` and `run_stack` each do one piece of work and leave nothing half done; `walk` does them all. A fold
is trained once: its artefact is kept under the digest of everything that decides it, whatever walk asks.
"""

import os
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from importlib.metadata import distributions
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from adapters.folds import FolderFoldStore
from adapters.histories import opened
from adapters.predictions import PredictionLog
from trading.clock import DAY_H
from trading.config import canonical_digest
from trading.errors import DataError
from trading.models.artefact import Artefact
from trading.models.evidence import evidence, stacked
from trading.models.families import (
    DISSIMILARITY,
    FAMILIES,
    LEARNERS,
    REGIME,
    VERSION,
    Asked,
    seed_of,
)
from trading.models.history import History
from trading.models.prediction_log import STACK, frame_of
from trading.models.presets import preset
from trading.models.runtime import Runtime
from trading.models.splits import Fold, base_folds, month_of, month_start, stack_folds
from trading.models.stacking import fit as fit_stack

WORKERS = 2
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
"""Environment variables that hold numerical libraries to one thread a process."""
PINS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
"""The vector units that numerical libraries may use: sums of wider ones have other bits. Read at import."""
LIBRARIES = {"lightgbm", "xgboost", "xgboost-cpu", "scikit-learn", "torch", "numpy", "onnx", "onnxruntime"}
Beat = Callable[[str], None]


class Walk(NamedTuple):
    """Where a walk-forward reads and writes."""

    history: Path
    log: Path
    folds: Path
    preset: str
    data_hash: str


class Done(NamedTuple):
    """One piece of work, done or found done."""

    model_id: str
    month: int
    cpu_s: float
    rss_mib: float
    trained: bool


def families_of(walk: Walk, families: tuple[str, ...], first: int, last: int) -> Iterator[tuple[str, Fold]]:
    """Every (family, fold) that predicts asof hours first..last, the slowest first."""
    history, numbers = opened(walk.history), preset(walk.preset).walk
    wanted = [name for name in (*LEARNERS, REGIME, DISSIMILARITY) if name in families]
    for name in sorted(wanted, key=lambda n: (not FAMILIES[n].net, n != "forest")):
        every = numbers.net_months if FAMILIES[name].net else 1
        for fold in base_folds(history.first, last, every, numbers):
            if fold.test_end > first:
                yield name, fold


def run_fold(walk: Walk, family: str, fold: Fold, beat: Beat) -> Done:
    """Train a fold unless it is kept, and write what it says of its months unless that is written."""
    log, store, begun = PredictionLog(walk.log), FolderFoldStore(walk.folds), time.process_time()
    months = fold.months
    if log.described(family, months[0]) is not None:
        return Done(family, months[0], 0.0, 0.0, trained=False)
    history, numbers = opened(walk.history), preset(walk.preset)
    key = fold_key(walk, history, family, fold)
    content, trained = store.load(key), False
    artefact = Artefact.parse(content) if content is not None else None
    if artefact is None:
        artefact = FAMILIES[family].learn(history, fold, numbers, seed_of(numbers, fold), beat)
        if artefact is not None:
            store.save(key, artefact.dump())
            trained = True
    if artefact is not None:
        beat(f"{family} predicts")
        asked = FAMILIES[family].ask(history, fold, Runtime(artefact))
        frame = frame_of(
            asked, history.instruments, family, artefact.digest, walk.data_hash, artefact.trained_through
        )
        write(log, family, months, frame, fold.gap_h)
    about = {"key": key, "preset": walk.preset, "artefact_hash": artefact.digest if artefact else None}
    spent = time.process_time() - begun
    meta = {**artefact.meta, "parts": None} if artefact else {}
    log.describe(family, months[0], {**meta, **about, "fold": fold._asdict(), "cpu_s": round(spent, 2)})
    return Done(family, months[0], spent, _rss_mib(), trained)


def fold_key(walk: Walk, history: History, family: str, fold: Fold) -> str:
    """Digest of everything that decides a fold's model."""
    back = max(preset(walk.preset).nets.steps, 2 * DAY_H)
    return canonical_digest(
        {
            "family": family,
            "version": VERSION,
            "libraries": libraries(),
            "preset": preset(walk.preset).digest,
            "fold": fold._replace(test_end=0)._asdict(),
            "taught": history.span_digest(fold.fit_first - back, fold.test_first - fold.gap_h),
        }
    )


def libraries() -> dict[str, str]:
    """Versions of what trains."""
    found = {d.metadata["Name"].lower(): d.version for d in distributions()}
    return {name: found[name] for name in sorted(LIBRARIES & found.keys())}


def run_stack(walk: Walk, model_id: str, learners: tuple[str, ...], fold: Fold, beat: Beat) -> Done:
    """Fit the stack of a month on the log and write what it says of the month, unless that is written."""
    log, begun, month = PredictionLog(walk.log), time.process_time(), fold.months[0]
    if log.described(model_id, month) is not None:
        return Done(model_id, month, 0.0, 0.0, trained=False)
    beat(model_id)
    history, numbers = opened(walk.history), preset(walk.preset).walk
    said = {
        name: log.read(name, fold.fit_first, fold.test_end - 1) for name in (*learners, REGIME, DISSIMILARITY)
    }
    rows = evidence(said, learners, history, fold.fit_first, fold.test_end)
    past = rows.take((rows.asof < fold.test_first) & (rows.asof % numbers.stride_h == 0))
    stack = fit_stack(past, fold, learners, numbers.stride_h)
    about = {"preset": walk.preset, "fold": fold._asdict(), "rows": int(past.asof.size), "model_id": model_id}
    if stack is None:
        log.describe(model_id, month, {**about, "artefact_hash": None})
        return Done(model_id, month, time.process_time() - begun, _rss_mib(), trained=False)
    asked = rows.take(rows.asof >= fold.test_first)
    outputs = stacked(stack, asked, said, history)
    artefact = stack.artefact(about)
    FolderFoldStore(walk.folds).save(artefact.digest, artefact.dump())
    answers = Asked(asked.asof, asked.column, outputs)
    frame = frame_of(
        answers, history.instruments, model_id, artefact.digest, walk.data_hash, stack.trained_through
    )
    write(log, model_id, [month], frame, fold.gap_h)
    log.describe(model_id, month, {**artefact.meta, "artefact_hash": artefact.digest, "key": artefact.digest})
    return Done(model_id, month, time.process_time() - begun, _rss_mib(), trained=True)


def walk_of(home: Path, log: PredictionLog, about: Mapping[str, Any]) -> Walk:
    """The walk that a log was written by; its history must still be in the cache."""
    history = home / "cache" / "histories" / about["data_hash"][:16]
    if not history.exists():
        raise DataError("the features of this walk are gone from the cache; run `ballast walkforward` again")
    return Walk(history, log.folder, home / "folds", about["preset"], about["data_hash"])


def stack_alone(
    walk: Walk,
    learners: tuple[str, ...],
    model_id: str,
    stack_first: int,
    last: int,
    progress: Callable[[int, int], None],
) -> None:
    """Stack some of the learners by themselves, in this process; `stack_first` begins the walk's stack."""
    numbers = preset(walk.preset).walk
    begin = month_start(month_of(stack_first) - numbers.log_months)
    folds = list(stack_folds(begin, last, numbers))
    for done, fold in enumerate(folds, 1):
        run_stack(walk, model_id, learners, fold, _unheard)
        progress(done, len(folds))


def write(log: PredictionLog, model_id: str, months: list[int], frame: pl.DataFrame, gap_h: int) -> None:
    """Append the rows of a fold to the log, month by month."""
    for month in months:
        inside = frame.filter(pl.col("asof").is_between(month_start(month), month_start(month + 1) - 1))
        log.append(model_id, month, inside, gap_h)


def walk_forward(
    walk: Walk,
    families: tuple[str, ...],
    first: int,
    last: int,
    progress: Callable[[Done, int, int], None],
    workers: int = WORKERS,
) -> list[Done]:
    """Every fold of every family, then every month of the stack, for asof hours first..last.

    `first` is the first hour that a learner predicts. `progress(done, count, total)` hears of each piece.
    """
    learners = tuple(name for name in LEARNERS if name in families)
    folds = list(families_of(walk, families, first, last))
    months = stack_months(folds, last, walk) if learners else []
    total, finished = len(folds) + len(months), []
    with ExitStack() as stack:
        pools = [stack.enter_context(_pool()) for _ in range(workers)]
        for stage in ([(run_fold, *f) for f in folds], [(run_stack, STACK, learners, f) for f in months]):
            for done in _shared(pools, walk, stage):
                finished.append(done)
                progress(done, len(finished), total)
    return finished


def _shared(pools: list[ProcessPoolExecutor], walk: Walk, stage: Iterable[tuple[Any, ...]]) -> Iterator[Done]:
    """Every piece of a stage as it is done.

    Processes take from either end of the list in turn: where the nets stand first, one process imports torch
    and another scikit-learn, each seconds of work, until one end meets the other.
    """
    left, running = deque(stage), dict[Future[Done], int]()

    def take(k: int) -> None:
        if left:
            piece = left.pop() if k % 2 else left.popleft()
            running[pools[k].submit(_alone, walk, *piece)] = k

    for k in range(len(pools)):
        take(k)
    while running:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            take(running.pop(future))
            yield future.result()


def stack_months(folds: list[tuple[str, Fold]], last: int, walk: Walk) -> list[Fold]:
    """The months that a stack over these folds can predict."""
    if not folds:
        return []
    begin = max(min(f.test_first for name, f in folds if name == n) for n in {name for name, _ in folds})
    return list(stack_folds(begin, last, preset(walk.preset).walk))


def apart(walk: Walk, work: Callable[..., Done], *given: object) -> Done:
    """One piece of work in a process of its own, which trading beside it is not slowed or filled by."""
    with _pool() as pool:
        return pool.submit(_alone, walk, work, *given).result()


def _alone(walk: Walk, work: Callable[..., Done], *given: object) -> Done:
    """One piece of work in a process of the pool."""
    return work(walk, *given, _unheard)


def _unheard(what: str) -> None:
    """A pool reports pieces of work when they are done."""


def _pool() -> ProcessPoolExecutor:
    """One process."""
    os.environ.update(dict.fromkeys(LIMITS, "1") | PINS)
    return ProcessPoolExecutor(1, get_context("spawn"), _leave_with_parent, (os.getpid(),))


def _leave_with_parent(parent: int) -> None:
    """End this process soon after the one that started it, however that one ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _rss_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
