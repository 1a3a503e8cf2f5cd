"""One fold of the tree families: six heads of XGBoost, LightGBM and a forest. `--peers`: the obvious way.

    python benchmarks/training.py [--peers] [--rounds 1] [--json]

20 instruments, every third hour of two months, 55 features of noise with a little in it. Ours: bins made
once a family, one thread, a forest whose trees see bags of days. The obvious way: a classifier and a
regressor of each library for each horizon, the same trees and depths, everything else at its default,
threads included.
"""

import time
from pathlib import Path

import numpy as np
from measure import Arm, interleaved, own, parser, report, show

from trading.models.presets import preset
from trading.models.rows import Rows

INSTRUMENTS, HOURS, FEATURES = 20, 1_460, 55
FULL = preset("full")


def rows() -> Rows:
    rng = np.random.default_rng(1)
    asof = np.repeat(480_000 + np.arange(0, HOURS, 3), INSTRUMENTS)
    features = rng.normal(size=(asof.size, FEATURES)).astype(np.float32)
    scaled = 0.05 * features[:, :1] + rng.normal(size=(asof.size, 3))
    column = np.tile(np.arange(INSTRUMENTS, dtype=np.int16), asof.size // INSTRUMENTS)
    sigma = np.full(asof.size, 0.04)
    returns = scaled * 0.04 * np.sqrt(np.array([1, 4, 24]) / 24)
    return Rows(asof, column, features, sigma, returns, scaled, returns[:, 2])


def unheard(_: str) -> None:
    """Progress is not shown."""


def ours(train: Rows) -> None:
    from trading.models import forest, trees

    through = int(train.asof[-1]) + 50
    for fit in (trees.fit_xgboost, trees.fit_lightgbm):
        fit(train, through, FULL.boosting, 1, unheard)
    forest.fit(train, through, FULL.forest, 1, unheard)


def obvious(train: Rows) -> None:
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from xgboost import XGBClassifier, XGBRegressor

    boosted, wood = FULL.boosting, FULL.forest
    growing = {
        "n_estimators": boosted.rounds,
        "max_depth": boosted.depth,
        "learning_rate": boosted.learning_rate,
    }
    standing = {
        "n_estimators": wood.trees,
        "max_depth": wood.depth,
        "min_samples_leaf": wood.rows_min,
        "n_jobs": -1,
    }
    for h in range(3):
        up, z = train.returns[:, h] > 0, train.scaled[:, h]
        for library in (XGBClassifier, LGBMClassifier):
            library(**growing).fit(train.features, up)
        for library in (XGBRegressor, LGBMRegressor):
            library(**growing).fit(train.features, z)
        RandomForestClassifier(**standing).fit(train.features, up)
        RandomForestRegressor(**standing).fit(train.features, z)


def main() -> None:
    options = parser(__doc__).parse_args()
    if options.arm:
        train, cpu, wall = rows(), time.process_time(), time.perf_counter()
        {"ballast": ours, "obvious": obvious}[options.arm](train)
        report({"loop_cpu_s": time.process_time() - cpu, "loop_wall_s": time.perf_counter() - wall})
        return
    script = str(Path(__file__))
    arms = [Arm("ballast", own(script, options, "ballast"))]
    if options.peers:
        arms.append(Arm("obvious", own(script, options, "obvious"), "ballast"))
    show(arms, interleaved(arms, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
