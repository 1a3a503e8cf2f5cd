"""Each alert policy of the cloud filters lines that the product really writes: they are made to happen here,
written as in production, and the plan's own filters are applied to them.
"""

import io
import json
import logging
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from adapters.alerts import AlertOutbox, LogChannel
from adapters.clock import SystemClock
from adapters.observability import log_lines
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url
from adapters.storage.migrate import upgrade
from adapters.storage.promises import PROMISES, Judged
from adapters.storage.tracks import Tracks
from adapters.storage.trading_state import TradingStates
from tests.infra import stub_provider
from tests.infra.terraforming import ROOT, Plan, Terraform
from tests.stored import opened
from trading.codes import TRIGGERS
from trading.risk.halt_events import CAUTIOUS, TRIPPED, Told
from trading.risk.trading_state import ACTIVE, HALTED, REDUCING, Cause, Standing
from worker.watching import say

TERM = re.compile(r'(jsonPayload\.\w+|resource\.type)(=~|!~|=)(?:"([^"]*)"|(\([^)]*\)))|(severity)>=(\w+)')
RESOURCE = "cloud_run_worker_pool"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed: the infrastructure is not checked here")
    with stub_provider.serving() as provider:
        yield Terraform(tmp_path_factory.mktemp("plan") / "infra", provider).plan("production")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Everything that can be told, told by those who tell it, as a worker in the cloud writes it."""
    engine = connect(sqlite_url(tmp_path_factory.mktemp("told") / "ballast.db"))
    upgrade(engine)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log_lines(as_json=True)
    written = io.StringIO()
    assert isinstance(root.handlers[0], logging.StreamHandler)
    root.handlers[0].setStream(written)
    try:
        happen(engine, opened(engine))
        logging.getLogger("somewhere").error("it broke")
    finally:
        root.handlers, root.level = before, level
        engine.dispose()
    return [json.loads(line) for line in written.getvalue().splitlines()]


def happen(engine: Engine, key: PortfolioKey) -> None:
    """A halt by each cause, each trigger, an hour late, failed and unsealed, promises kept and broken."""
    clock = SystemClock()
    states, tracks = TradingStates(engine, clock), Tracks(engine, clock)
    states.open(*key, ACTIVE, "opened for trading")
    held = Standing(ACTIVE, 0)
    for number, trigger in enumerate(TRIGGERS):
        told = Told(f"t{number}", CAUTIOUS, "guard", trigger, held, Standing(REDUCING, 0))
        held = states.record(*key, told).standing
    for number, cause in enumerate(Cause):
        wanted = Standing(HALTED, held.epoch + 1)
        held = states.record(*key, Told(f"c{number}", TRIPPED, "guard", cause, held, wanted)).standing
    for kind in ("late-hour", "failed-hour", "audit-log", "histories", "of tomorrow"):
        tracks.alert(key.track, f"{kind}/x", kind, "", "as it is")
    AlertOutbox(engine, [LogChannel()], clock).deliver(key.track)
    for promise in PROMISES:
        for kept in (True, False):
            say(key.track, Judged(promise, "main", "x", kept))


def matches(filter: str, line: dict[str, Any]) -> bool:
    """Whether Cloud Logging would find a line by a filter of our few kinds of terms, all joined by AND."""
    terms = TERM.findall(filter)
    left = TERM.sub("", filter).replace("AND", "").strip()
    assert not left, f"a term that this test does not know: {left}"
    for field, operator, text, choice, severity, least in terms:
        if severity:
            if logging.getLevelName(line["severity"]) < logging.getLevelName(least):
                return False
        elif field == "resource.type":
            if RESOURCE not in choice + text:
                return False
        else:
            value = str(line.get(field.removeprefix("jsonPayload."), ""))
            found = bool(re.search(text, value)) if "~" in operator else value == text
            if found == (operator == "!~"):
                return False
    return True


def test_every_log_based_metric_counts_a_line_that_is_written(
    plan: Plan, lines: list[dict[str, Any]]
) -> None:
    metrics = {metric.values["name"]: metric.values["filter"] for metric in plan.of("logging_metric")}
    assert len(metrics) >= 14
    counts = {name: sum(matches(filter, line) for line in lines) for name, filter in metrics.items()}
    assert [name for name, count in counts.items() if count == 0] == []
    assert counts["ballast/mismatch"] == counts["ballast/unknown-order"] == counts["ballast/proof"] == 1
    assert (counts["ballast/halt"], counts["ballast/kill-switch"]) == (len(Cause), len(TRIGGERS))
    assert (counts["ballast/promises-hour"], counts["ballast/broken-hour"]) == (2, 1)


def test_every_kind_of_alert_that_is_told_wakes_somebody(plan: Plan, lines: list[dict[str, Any]]) -> None:
    woken_by = [metric.values["filter"] for metric in plan.of("logging_metric")]
    told = [line for line in lines if line["logger"] == "ballast.alerts" and "kind" in line]
    assert len({line["kind"] for line in told}) >= 5
    assert [line["message"] for line in told if not any(matches(filter, line) for filter in woken_by)] == []


def test_every_metric_that_a_policy_or_objective_names_exists(plan: Plan) -> None:
    made = {metric.values["name"] for metric in plan.of("logging_metric")}
    text = "".join(file.read_text() for file in (ROOT / "infra" / "modules" / "ballast").glob("*.tf"))
    named = {f"ballast/{name}" for name in re.findall(r"local\.user\}/ballast/([\w-]+)", text)}
    assert named
    assert named <= made


def test_a_term_that_matches_nothing_is_noticed(lines: list[dict[str, Any]]) -> None:
    assert not any(matches('jsonPayload.kind="gone"', line) for line in lines)
    with pytest.raises(AssertionError, match="does not know"):
        matches('jsonPayload.kind="halt" OR x', lines[0])
