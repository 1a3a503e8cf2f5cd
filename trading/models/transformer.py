"""The Transformer: patches of four hours, two pre-norm layers, the mean over the patches, six outputs.

Attention pays for every window anew, so it is trained on strided windows; each instrument has a phase of its
own, so that all hours of a day are seen.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from trading.models.artefact import Artefact
from trading.models.net_graphs import transformer_graph
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


class Layer(nn.Module):
    """Self-attention and a feed-forward net, each on the normalised sum of what came before."""

    def __init__(self, numbers: Nets) -> None:
        super().__init__()
        width = numbers.width
        self.heads = numbers.heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.mix = nn.Linear(width, width)
        self.wide, self.narrow = (
            nn.Linear(width, numbers.feed_forward),
            nn.Linear(numbers.feed_forward, width),
        )
        self.dropout = nn.Dropout(numbers.dropout)

    def forward(self, x: Tensor) -> Tensor:
        normal = self.norm_1(x)
        q, k, v = (self._split(part(normal)) for part in (self.query, self.key, self.value))
        weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1)
        x = x + self.dropout(self.mix((weights @ v).transpose(1, 2).reshape(x.shape)))
        wide = self.dropout(torch.relu(self.wide(self.norm_2(x))))
        result: Tensor = x + self.dropout(self.narrow(wide))
        return result

    def _split(self, x: Tensor) -> Tensor:
        """(batch, patches, width) to (batch, heads, patches, width / heads)."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Transformer(nn.Module):
    """(batch, steps, columns + 1) to (batch, outputs)."""

    def __init__(self, numbers: Nets) -> None:
        super().__init__()
        self.patches = numbers.steps // numbers.patch_h
        self.embed = nn.Linear(numbers.patch_h * (len(COLUMNS) + 1), numbers.width)
        self.position = nn.Parameter(0.02 * torch.randn(self.patches, numbers.width))
        self.layers = nn.Sequential(*(Layer(numbers) for _ in range(numbers.layers)))
        self.norm = nn.LayerNorm(numbers.width)
        self.head = nn.Linear(numbers.width, OUTPUTS)

    def forward(self, values: Tensor) -> Tensor:
        tokens = self.embed(values.reshape(len(values), self.patches, -1)) + self.position
        outputs: Tensor = self.head(self.norm(self.layers(tokens)).mean(dim=1))
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
    strided = _Windows(Panel.of(train, scaler, trained_through), numbers)
    tail = _Windows(Panel.of(validate, scaler, trained_through), numbers)
    members = fit_members(
        lambda: Transformer(numbers), strided.epoch, tail.epoch, strided.steps, numbers, seed, beat
    )
    meta = described(train, trained_through, numbers, seed, members)
    graph = transformer_graph([of.weights for of in members], scaler, numbers)
    return artefact("transformer", meta, graph, (Transformer(numbers) for _ in members), members, scaler)


class _Windows:
    """Windows of `steps` hours that end at every `stride_h`-th hour that teaches."""

    def __init__(self, panel: Panel, numbers: Nets) -> None:
        self._panel, self._numbers = panel, numbers
        teaches = panel.weights[:, :, 0].numpy() > 0
        teaches[:, : numbers.steps - 1] = False
        instruments, hours = np.arange(teaches.shape[0])[:, None], np.arange(teaches.shape[1])
        self._instruments, ends = np.nonzero(teaches & ((hours + instruments) % numbers.stride_h == 0))
        self._starts = ends - numbers.steps + 1

    @property
    def steps(self) -> int:
        """Batches in a pass."""
        return -(-len(self._starts) // self._numbers.batch)

    def epoch(self, random: Random | None) -> Iterator[Batch]:
        """One pass, shuffled with `random`."""
        order = random.permutation(len(self._starts)) if random else np.arange(len(self._starts))
        for first in range(0, len(order), self._numbers.batch):
            take = order[first : first + self._numbers.batch]
            batch = self._panel.batch(self._instruments[take], self._starts[take], self._numbers.steps)
            yield Batch(batch.inputs, batch.scaled[:, -1], batch.weights[:, -1])
