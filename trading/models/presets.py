"""Every number that training is told beforehand, in three sizes. None of them is tuned on results.

`full` is the specification, `quick` shows the whole chain on a generated market, `smoke` proves that it runs.
"""

from typing import NamedTuple

from trading.config import canonical_digest
from trading.errors import UsageError


class Boosting(NamedTuple):
    """Boosted trees: XGBoost, LightGBM, and with fewer leaves the regime classifier."""

    rounds: int = 120
    learning_rate: float = 0.03
    leaves: int = 15
    depth: int = 4
    rows_min: int = 1_000
    """Smallest leaf."""
    l2: float = 10.0
    sample: float = 0.6
    """Share of rows and of columns that a tree sees."""
    bins: int = 63
    regime_rounds: int = 80
    regime_leaves: int = 7


class Forest(NamedTuple):
    """Random forest; each tree sees a bag of days, as large as the labels are unique."""

    trees: int = 100
    """For each horizon."""
    depth: int = 7
    rows_min: int = 1_000
    """Smallest leaf in rows of the whole training block; a bag scales it down."""
    bag: float = 0.125
    """Share of the days that a tree sees: labels of 24 h, asked every third hour, are unique to an eighth."""


class Nets(NamedTuple):
    """LSTM and Transformer."""

    steps: int = 96
    """Hours that one sequence sees."""
    hidden: int = 48
    width: int = 32
    layers: int = 2
    heads: int = 4
    feed_forward: int = 64
    patch_h: int = 4
    dropout: float = 0.2
    epochs: int = 8
    patience: int = 2
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    gradient_max: float = 1.0
    horizon_weights: tuple[float, float, float] = (0.5, 0.75, 1.0)
    stride_h: int = 6
    """Hours between two sequences of an instrument."""
    seeds: int = 3
    """Nets of one fold, whose outputs are averaged: what one seed gains is noise."""
    tail: float = 0.1
    """Last share of the training block that decides when to stop."""


class Walk(NamedTuple):
    """Cadence of the walk-forward."""

    train_months: int = 18
    train_months_min: int = 12
    net_months: int = 3
    """Months between two trainings of the nets; everything else is trained every month."""
    log_months: int = 12
    """Months of the prediction log that teach the stack, the calibration's included."""
    calibrate_months: int = 3
    gap_h: int = 49
    """Hours between a settled label and the next block: two days, and the hour until the next open."""
    stride_h: int = 3
    """Hours between two training rows of an instrument."""
    history_d_min: int = 365
    """An instrument teaches once its history is this long; younger ones are predicted all the same."""
    rows_min: int = 2_000
    """Fewer training rows than this teach nothing: the fold has no model."""
    reference_rows: int = 5_000
    """Training rows that the dissimilarity index compares with."""


class Preset(NamedTuple):
    """One size of everything."""

    name: str
    boosting: Boosting = Boosting()
    forest: Forest = Forest()
    nets: Nets = Nets()
    walk: Walk = Walk()
    months: int | None = None
    """Newest months that the stack predicts unless other days are asked for; None: all there can be."""

    @property
    def digest(self) -> str:
        """SHA-256 of every number that decides what is learned."""
        return canonical_digest(
            [part._asdict() for part in (self.boosting, self.forest, self.nets, self.walk)]
        )

    @property
    def months_back(self) -> int | None:
        """Months of rows that `months` need, themselves included."""
        if self.months is None:
            return None
        return self.months + self.walk.log_months + self.walk.train_months_min


_SHORT = Walk(train_months=4, train_months_min=3, log_months=3, calibrate_months=1, history_d_min=60)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset("full"),
        Preset(
            "quick",
            Boosting(rounds=40, rows_min=200, regime_rounds=30),
            Forest(trees=20, depth=6, rows_min=400, bag=0.25),
            Nets(epochs=2, batch=64, stride_h=12, seeds=1),
            _SHORT._replace(rows_min=1_000, reference_rows=1_000),
            months=3,
        ),
        Preset(
            "smoke",
            Boosting(rounds=10, rows_min=100, regime_rounds=10),
            Forest(trees=10, depth=4, rows_min=200, bag=0.5),
            Nets(
                steps=24,
                hidden=8,
                width=8,
                layers=1,
                heads=2,
                feed_forward=16,
                epochs=4,
                batch=64,
                learning_rate=3e-3,
                stride_h=6,
                seeds=1,
            ),
            _SHORT._replace(train_months=3, train_months_min=2, rows_min=300, reference_rows=200),
            months=1,
        ),
    )
}


def preset(name: str) -> Preset:
    """The preset of that name; another name is a `UsageError`."""
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
