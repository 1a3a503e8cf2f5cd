"""One LSTM taught by a loss at every hour of a chunk; `--peers`: by windows in batches, each for one hour.

    python benchmarks/sequences.py [--peers] [--rounds 1] [--json]

26 instruments, 10,000 hours of made-up features, the numbers of the `full` preset, one seed, one thread. What
comes leans on the mean of one column over the day before, so that a net has to remember. Chunks ask about
every hour that teaches, windows about every sixth, which they can afford; both stop by their tail and are
asked about the same later hours, by windows: `learned` is the correlation of what they expect of a day with
what came, of which 0.29 can be known. `loop` is the whole training, `epoch` a pass, `hour` its share of one
hour that is asked about.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import Arm, interleaved, own, parser, report, show

from trading.models.presets import Nets, preset
from trading.models.sequences import COLUMNS, Sequences

INSTRUMENTS, HOURS, LATER_H, DAY_H = 26, 10_000, 1_000, 24
EDGE = 0.3
NUMBERS: Nets = preset("full").nets._replace(seeds=1)


def hours() -> Sequences:
    """All hours, those that are asked about later at the end."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(HOURS + LATER_H, INSTRUMENTS, len(COLUMNS))).astype(np.float32)
    cause = np.zeros(values.shape[:2])
    for back in range(DAY_H):
        cause[DAY_H:] += values[DAY_H - back : len(values) - back, :, 0] / np.sqrt(DAY_H)
    scaled = EDGE * cause[:, :, None] + rng.normal(size=(*cause.shape, 3))
    return Sequences(480_000, COLUMNS, values, scaled.astype(np.float32))


def trained(arm: str) -> dict[str, float]:
    import torch

    from trading.models import lstm, transformer
    from trading.models.nets import Panel, fit_members, fit_scaler

    class Last(lstm.Lstm):
        """The same net, whose last hour alone is asked."""

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return super().forward(values)[:, -1]

    every = hours()
    known = every.only(np.arange(HOURS + LATER_H) < HOURS)
    train, validate = known.purged_tail(NUMBERS.tail, 49)
    scaler, now = fit_scaler(train), every.first + HOURS
    cut: Any = {"chunks": lstm._Chunks, "windows": transformer._Windows}[arm]
    parts = [cut(Panel.of(one, scaler, now), NUMBERS) for one in (train, validate)]
    make = {"chunks": lstm.Lstm, "windows": Last}[arm]
    heard: list[str] = []
    start = time.process_time()
    (fitted,) = fit_members(
        lambda: make(NUMBERS), parts[0].epoch, parts[1].epoch, parts[0].steps, NUMBERS, 1, heard.append
    )
    taken = time.process_time() - start
    net = Last(NUMBERS)
    net.load_state_dict(fitted.weights)
    later = transformer._Windows(
        Panel.of(every.only(np.arange(HOURS + LATER_H) >= HOURS), scaler, now), NUMBERS
    )
    with torch.no_grad():
        pairs = [(net.eval()(batch.inputs)[:, -1], batch.scaled[:, -1]) for batch in later.epoch(None)]
    expected, came = (torch.cat(column).numpy() for column in zip(*pairs, strict=True))
    learned = float(np.corrcoef(expected, came)[0, 1])
    epoch_s = taken / fitted.epochs
    asked = sum(int((batch.weights > 0).sum()) for batch in parts[0].epoch(None))
    return {
        "loop_cpu_s": taken,
        "epoch_cpu_s": epoch_s,
        "hour_cpu_us": 1e6 * epoch_s / asked,
        "epochs": fitted.epochs,
        "learned": learned,
    }


def main() -> None:
    options = parser(__doc__).parse_args()
    if options.arm:
        report(trained(options.arm))
        return
    script = str(Path(__file__))
    arms = [Arm("chunks", own(script, options, "chunks"))]
    if options.peers:
        arms.append(Arm("windows", own(script, options, "windows"), "chunks"))
    show(arms, interleaved(arms, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
