"""The yardstick for idle money: approximate Treasury bill rates by year."""

import json
from importlib.resources import files


def load() -> dict[int, float]:
    """Yearly rate by calendar year, as a fraction."""
    document = json.loads(files("config").joinpath("tbill.json").read_text("utf-8"))
    return {int(year): rate / 100 for year, rate in document["percent"].items()}
