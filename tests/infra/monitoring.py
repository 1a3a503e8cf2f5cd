"""What Prometheus and Grafana are told to look at, read from the files that tell them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import yaml

from tests.infra.image import ROOT

FILES = ROOT / "compose" / "monitoring"
NAME = re.compile(r"\b(?:ballast|temporal)_\w+|\bup\b")
RECORDED = re.compile(r"\bballast:\w+:\w+")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FILES / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    board = json.loads((FILES / "dashboard.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Every expression, as Prometheus' grammar writes it; a `ValueError` for one that it does not know."""
    written = [rule["expr"] for rule in rules()]
    written += [target["expr"] for panel in panels() for target in panel["targets"]]
    for expression in written:
        yield promql_parser.parse(expression).prettify()


def named_metrics() -> set[str]:
    """Metrics that some rule or panel names."""
    return {name for expression in expressions() for name in NAME.findall(expression)}
