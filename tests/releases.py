"""A small release to register, break and promote; its members are bytes with an end of training."""

from typing import Any

from trading.features.library import digest
from trading.models.artefact import GRAPH, Artefact
from trading.models.release import Facts, Release

TRAINED_THROUGH = 480_000


def facts(**changes: Any) -> Facts:
    """What a release that may trade says of itself."""
    values: dict[str, Any] = {
        "preset": "full",
        "preset_digest": "p" * 64,
        "venue": "kraken",
        "proxy": False,
        "data_digest": "d" * 64,
        "log_digest": "l" * 64,
        "feature_set": digest(),
        "code": "0.1.0",
        "environment": {"python": "3.11"},
        "days": {"BTC/USD": 2_000, "ETH/USD": 365},
        "first": TRAINED_THROUGH + 50,
    }
    return Facts(**(values | changes))


def release(graph: bytes = b"graph", **changes: Any) -> Release:
    members = {
        name: Artefact(name, {"trained_through": TRAINED_THROUGH}, {GRAPH: graph}).dump()
        for name in ("xgboost", "lightgbm", "forest", "lstm", "transformer", "regime", "stack")
    }
    return Release(facts(**changes), members)
