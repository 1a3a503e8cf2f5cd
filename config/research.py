"""What research looked at before any home had a log of trials, as `research.json` knows it.

Candidates were compared on hours before 2023, and some of them seen once on 2023 and 2024; what came out
stands in `docs/governance/MODEL_ASSUMPTIONS.md`. Where only a range is known of a group of candidates,
`least` says that there may have been more.
"""

import json
from importlib.resources import files
from typing import Any


def looks() -> list[dict[str, Any]]:
    """One trial for every way of every candidate, as a home's log of trials notes it."""
    document = json.loads(files("config").joinpath("research.json").read_text("utf-8"))
    compared = [
        {**document["before 2023"], **one, "way": way + 1}
        for one in document["tried"]
        for way in range(one.get("ways", 1))
    ]
    return [{**one, "suite": "research"} for one in [*compared, *document["seen once"]]]
