"""How a net is trained, whatever its shape: one thread, seeded, stopped by a later tail, the best one kept.

The loss of a row is the sum over the horizons of lambda_h w (BCE(logit, up) + Huber(z hat - z)).

torch's sums depend on the number of threads, so there is one. The same rows, numbers and seed give the same
weights, bit for bit, on processors with the same vector units.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trading.errors import InvariantError
from trading.models.artefact import GRAPH, Artefact
from trading.models.labels import HORIZONS_H
from trading.models.presets import Nets
from trading.models.runtime import Runtime
from trading.models.sequences import COLUMNS, Scaler, Sequences

PROBED = 4
"""Instruments of the made-up hours that a graph is checked with."""
AGREE = 1e-3
"""Largest difference between a graph and its nets: float32 adds in another order."""
OUTPUTS = 2 * len(HORIZONS_H)
"""A log odds and a scaled return for each horizon."""

Random = np.random.Generator


class Batch(NamedTuple):
    """What one step of training sees; the leading dimensions are those of the net's output."""

    inputs: Tensor
    scaled: Tensor
    """(..., horizons), 0 where `weights` is 0."""
    weights: Tensor
    """(..., 1)."""


Epoch = Callable[[Random | None], Iterator[Batch]]
"""The batches of one pass: shuffled by the generator, or in order and never moved without one."""


class Panel(NamedTuple):
    """The tensors that batches are cut from."""

    values: Tensor
    """(instruments, hours, columns + 1), scaled."""
    scaled: Tensor
    """(instruments, hours, horizons)."""
    weights: Tensor
    """(instruments, hours, 1), 0 where an hour does not teach."""

    @classmethod
    def of(cls, sequences: Sequences, scaler: Scaler, now: int) -> "Panel":
        values = scaler.apply(sequences.values[:, :, sequences.columns])
        parts = (values, np.nan_to_num(sequences.scaled), sequences.weights(now)[:, :, None])
        return cls(*(torch.from_numpy(np.ascontiguousarray(part.swapaxes(0, 1))) for part in parts))

    def batch(self, instruments: NDArray[np.int64], starts: NDArray[np.int64], hours: int) -> Batch:
        """Spans of `hours` hours from each start."""
        at = torch.from_numpy(starts[:, None] + np.arange(hours))
        of = torch.from_numpy(instruments[:, None])
        return Batch(self.values[of, at], self.scaled[of, at], self.weights[of, at])


class Fitted(NamedTuple):
    """One trained net."""

    weights: dict[str, Tensor]
    epochs: int
    """That were run."""
    kept: int
    """The best of them, from 1."""
    loss: float
    """Of that one on the tail."""


def fit_scaler(sequences: Sequences) -> Scaler:
    """Fitted on the hours that teach, and on nothing later."""
    return Scaler.of(sequences.values[sequences.teaches][:, sequences.columns])


def described(
    train: Sequences, trained_through: int, numbers: Nets, seed: int, members: Sequence[Fitted]
) -> dict[str, Any]:
    """What an artefact says of the training that made it."""
    return {
        "library": torch.__version__,
        "seed": seed,
        "rows": int(train.teaches.sum()),
        "features": list(COLUMNS),
        "columns": train.columns,
        "steps": numbers.steps,
        "horizons_h": list(HORIZONS_H),
        "trained_through": trained_through,
        "epochs": [fitted.epochs for fitted in members],
        "epochs_kept": [fitted.kept for fitted in members],
        "tail_losses": [fitted.loss for fitted in members],
    }


def artefact(
    family: str,
    meta: dict[str, Any],
    graph: bytes,
    nets: Iterable[nn.Module],
    members: Sequence[Fitted],
    scaler: Scaler,
) -> Artefact:
    """A graph and what made it; one that says other things than its `nets` is an `InvariantError`.

    Both are asked about the same made-up hours: whatever goes wrong between training and asking is found
    before anything is kept.
    """
    made = Artefact(family, meta, {GRAPH: graph})
    columns, steps = meta["columns"], int(meta["steps"])
    hours = np.zeros((steps, PROBED, max(columns) + 1), dtype=np.float32)
    noise = np.random.default_rng(0).normal(size=(steps, PROBED, len(columns)))
    hours[:, :, columns] = (scaler.centre + scaler.width * noise).astype(np.float32)
    said = Runtime(made).predict_sequences(hours, np.full(PROBED, steps - 1), np.arange(PROBED))
    values = torch.from_numpy(scaler.apply(hours[:, :, columns]).swapaxes(0, 1).copy())
    answers = []
    with torch.no_grad():
        for net, fitted in zip(nets, members, strict=True):
            net.load_state_dict(fitted.weights)
            answers.append(net.eval()(values).reshape(PROBED, -1, OUTPUTS)[:, -1])
    meant = torch.stack(answers).mean(dim=0).numpy()
    apart = float(np.abs(np.column_stack((said.logits, said.z)) - meant).max())
    if not apart <= AGREE:
        raise InvariantError(f"the graph of the {family} is {apart:.2g} from its nets: it was not written")
    return made


def fit_members(
    make: Callable[[], nn.Module],
    epoch: Epoch,
    tail: Epoch,
    steps: int,
    numbers: Nets,
    seed: int,
    beat: Callable[[str], None],
) -> list[Fitted]:
    """Train `numbers.seeds` nets from seeds that follow each other; `steps` are those of an epoch."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    members = []
    for member in range(seed, seed + numbers.seeds):
        torch.manual_seed(member)
        members.append(_learn(make(), epoch, tail, steps, numbers, np.random.default_rng(member), beat))
    return members


def _learn(
    net: nn.Module,
    epoch: Epoch,
    tail: Epoch,
    steps: int,
    numbers: Nets,
    random: Random,
    beat: Callable[[str], None],
) -> Fitted:
    """Fit by AdamW under a cosine schedule, `steps` steps an epoch; the best weights are kept."""
    optimiser = torch.optim.AdamW(net.parameters(), numbers.learning_rate, weight_decay=numbers.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps * numbers.epochs)
    losses: list[float] = []
    kept: dict[str, Tensor] = {}
    for number in range(1, numbers.epochs + 1):
        net.train()
        for batch in epoch(random):
            optimiser.zero_grad()
            total, weight = _loss(net(batch.inputs), batch, numbers)
            (total / weight).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), numbers.gradient_max)
            optimiser.step()
            schedule.step()
        losses.append(_mean_loss(net, tail(None), numbers))
        beat(f"epoch {number} of {numbers.epochs}, loss {losses[-1]:.4f}")
        if losses[-1] == min(losses):
            kept = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        best = losses.index(min(losses)) + 1
        if number - best >= numbers.patience:
            break
    return Fitted(kept, len(losses), best, min(losses))


def _mean_loss(net: nn.Module, batches: Iterable[Batch], numbers: Nets) -> float:
    net.eval()
    total = weight = 0.0
    with torch.no_grad():
        for batch in batches:
            loss, share = _loss(net(batch.inputs), batch, numbers)
            total, weight = total + float(loss), weight + float(share)
    return total / weight


def _loss(outputs: Tensor, batch: Batch, numbers: Nets) -> tuple[Tensor, Tensor]:
    """Sum of the weighted losses, and of the weights."""
    logits, z = outputs[..., : len(HORIZONS_H)], outputs[..., len(HORIZONS_H) :]
    up = (batch.scaled > 0).to(logits.dtype)
    each = functional.binary_cross_entropy_with_logits(logits, up, reduction="none")
    each = each + functional.huber_loss(z, batch.scaled, reduction="none")
    return (each * batch.weights * torch.tensor(numbers.horizon_weights)).sum(), batch.weights.sum()
