"""Prometheus' rules and Grafana's page name metrics that are really answered; every metric is looked at."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from adapters.observability import serve_metrics
from adapters.storage.promises import PROMISES
from adapters.telemetry import venue_call
from api import observed
from tests.infra.image import ROOT
from tests.infra.monitoring import FILES, RECORDED, expressions, named_metrics, panels, rules
from tests.replaying import free_ports

GRACE = {"up"}


def answered() -> set[str]:
    """Names of everything that a process of ours answers, with or without a value yet."""
    assert observed
    (port,) = free_ports(1)
    serve_metrics(port)
    with venue_call("/0/public/Time"), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    typed = [line.split()[2:4] for line in lines if line.startswith("# TYPE ballast_")]
    endings = {"histogram": ("_bucket", "_count", "_sum")}
    return {name + ending for name, kind in typed for ending in endings.get(kind, ("",))}


def test_every_metric_that_a_rule_or_panel_names_is_answered() -> None:
    ours = {name for name in named_metrics() if name.startswith("ballast_")}
    assert len(ours) > 10
    assert sorted(ours - answered()) == []


def test_every_metric_is_looked_at_by_somebody() -> None:
    families = {re.sub("_(sum|count|bucket|created)$", "", name) for name in answered()}
    looked_at = "".join(expressions())
    assert [name for name in sorted(families) if name not in looked_at] == []


def test_what_a_rule_records_is_what_others_read() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    read = {name for rule in rules() if "alert" in rule for name in RECORDED.findall(rule["expr"])}
    assert recorded == read


def test_every_alert_says_what_to_do_on_a_page_that_exists() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 15
    for rule in alerts:
        assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "error", "critical"}


@pytest.mark.parametrize("promise", PROMISES)
def test_both_promises_have_three_paces_of_burning(promise: str) -> None:
    paces = [rule["expr"] for rule in rules() if "alert" in rule and f'promise="{promise}"' in rule["expr"]]
    allowed = {"hour": 0.001, "order": 0.0001}[promise]
    found = sorted(eval(expression.split(">")[1]) / allowed for expression in paces)
    assert found == pytest.approx([1, 6, 14.4])


def test_the_dashboard_explains_each_chart_and_draws_none_over_another() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in panels()]
    assert len(set(places)) == len(places)
    assert all(panel["description"] for panel in panels())
    uid = {panel["datasource"]["uid"] for panel in panels()}
    assert uid == set(re.findall(r"uid: (\w+)", (FILES / "grafana.yml").read_text()))


def test_an_expression_with_a_fault_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rules.yml", "dashboard.json"):
        (tmp_path / name).write_text((FILES / name).read_text())
    board: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
    board["panels"][1]["targets"][0]["expr"] = "sum(rate(ballast_gone_total[5m])"
    (tmp_path / "dashboard.json").write_text(json.dumps(board))
    monkeypatch.setattr("tests.infra.monitoring.FILES", tmp_path)
    with pytest.raises(ValueError, match=r"expected|unclosed|unexpected|paren"):
        named_metrics()
    board["panels"][1]["targets"][0]["expr"] += ")"
    (tmp_path / "dashboard.json").write_text(json.dumps(board))
    assert "ballast_gone_total" in named_metrics() - answered()
