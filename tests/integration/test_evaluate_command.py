"""`ballast evaluate` as a person or a script meets it, over learners that know a little of what comes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapters.model_registry import ModelRegistry
from tests.logged import MADE, ballast, made_up
from trading.models.families import LEARNERS
from trading.models.prediction_log import STACK


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up(tmp_path_factory.mktemp("home") / "home")


def evaluate(home: Path, suite: str, *arguments: object) -> dict[str, Any]:
    result = ballast(home, "evaluate", suite, *MADE, *arguments, "--json")
    assert result.exit_code == 0, result.output
    reply: dict[str, Any] = json.loads(result.stdout)
    return reply


@pytest.fixture(scope="module")
def forecasts(home: Path) -> dict[str, Any]:
    return evaluate(home, "forecasts")


def line(reply: dict[str, Any], model: str, horizon_h: int) -> dict[str, Any]:
    wanted = (model, horizon_h, "all")
    found = [f for f in reply["figures"] if (f["model"], f["horizon_h"], f["kind"]) == wanted]
    skill: dict[str, Any] = found[0]["skill"]
    return skill


def test_the_planted_knowledge_is_found_in_every_learner_and_in_the_stack(forecasts: dict[str, Any]):
    for model in (*LEARNERS, "equal weights", STACK):
        assert line(forecasts, model, 1)["ic"]["value"] > 0.3
    assert line(forecasts, STACK, 1)["ic"]["value"] > line(forecasts, "forest", 1)["ic"]["value"]
    assert line(forecasts, STACK, 1)["brier_skill"] > 0.05
    pairs = [pair for pair in forecasts["pairs"] if (pair["model"], pair["horizon_h"]) == ("lstm", 1)]
    assert pairs[0]["brier"]["value"] > 0


def test_intervals_hold_about_what_they_promise(forecasts: dict[str, Any]):
    found = [of for of in forecasts["intervals"]["24"] if of["group"] == "all"]
    assert [of["level"] for of in found] == [0.1, 0.5, 0.9]
    assert all(abs(of["share"] - of["level"]) < 0.2 for of in found)


def test_forecasts_that_are_too_good_do_not_pass(forecasts: dict[str, Any]):
    failed = [check["name"] for check in forecasts["checks"] if not check["holds"]]
    assert "... the correlation is not too good to be true" in failed
    assert not forecasts["passed"]


def test_groups_are_years_regimes_and_coins(forecasts: dict[str, Any]):
    groups = {(of["kind"], of["group"]) for of in forecasts["figures"]}
    assert {("year", "2024"), ("coin", "BTC/USD"), ("regime", "trending")} <= groups


def test_the_page_loads_nothing_and_the_cover_names_every_fold_and_is_not_called_full(
    home: Path, forecasts: dict[str, Any]
):
    page = Path(forecasts["report"]).read_text()
    cover = (Path(forecasts["report"]).parent / "index.html").read_text()
    for text in (page, cover):
        assert "http" not in text
        assert "<script src" not in text
    assert "Not a full walk-forward: its preset is smoke" in cover
    assert all(f"{name}: " in cover for name in (*LEARNERS, STACK))
    assert "ballast evaluate leakage" in cover


def test_each_look_counts_as_a_trial_once(home: Path, forecasts: dict[str, Any]):
    trials = (home / "trials.jsonl").read_text().splitlines()
    assert sum('"suite": "forecasts"' in line for line in trials) == 1
    assert evaluate(home, "forecasts")["trials"] == len(trials)


def test_the_outcome_is_on_record_for_promotions(home: Path, forecasts: dict[str, Any]):
    registry = ModelRegistry(home / "models")
    noted = [json.loads(x) for x in (home / "models/records/evaluations.jsonl").read_text().splitlines()]
    assert registry.versions() == []
    assert noted[0]["suite"] == "forecasts"
    assert noted[0]["log"] == forecasts["log_digest"]
    assert noted[0]["passed"] is False


def test_a_log_that_was_changed_is_refused(home: Path, tmp_path: Path):
    other = tmp_path / "home"
    shutil.copytree(home, other, symlinks=True)
    month = sorted((other / "predictions").glob("*/forest/*.parquet"))[0]
    month.unlink()
    result = ballast(other, "evaluate", "forecasts", *MADE)
    assert result.exit_code == 1
    assert "not what its walk wrote" in result.output


def test_without_a_walk_the_command_says_what_to_run(tmp_path: Path):
    result = ballast(tmp_path, "evaluate", "forecasts", *MADE)
    assert result.exit_code == 1
    assert "ballast walkforward --venue generated --preset smoke" in " ".join(result.output.split())


@pytest.fixture(scope="module")
def strategy(home: Path) -> dict[str, Any]:
    return evaluate(home, "strategy")


def test_the_strategy_is_run_under_both_fees_and_with_one_thing_changed(strategy: dict[str, Any]):
    assert list(strategy["fees"]) == ["mission", "kraken-2026-07"]
    for of in strategy["fees"].values():
        assert {"cash", "btc", "basket", "trend-a", "trend-vote raw"} <= of["benchmarks"].keys()
    kinds = [of["kind"] for of in strategy["changed"]]
    wanted = {"cost": 3, "threshold": 8, "delay": 1, "fills": 1, "start": 1, "without": len(LEARNERS)}
    assert {kind: kinds.count(kind) for kind in set(kinds)} == wanted


def test_luck_is_taken_away_and_the_best_of_many_is_put_beside_rivals(strategy: dict[str, Any]):
    base = strategy["fees"]["mission"]["metrics"]
    assert [of["name"].split(",")[0] for of in strategy["without"]] == [
        "best month",
        "best coin",
        "best 10 closings",
    ]
    assert all(of["cagr"] < base["cagr"] for of in strategy["without"])
    assert strategy["edge"]["gross"] > 0 < strategy["edge"]["capacity"]
    assert strategy["superior"].keys() == {"cash", "btc", "trend-vote"}


def test_knowledge_of_what_comes_is_traded_on_and_costs_take_their_share(strategy: dict[str, Any]):
    base = strategy["fees"]["mission"]["metrics"]
    changed = {of["name"]: of["metrics"] for of in strategy["changed"]}
    assert base["trades"] > 0
    assert changed["cost × 0"]["fees_paid"] == 0.0
    assert changed["cost × 0"]["cagr"] > base["cagr"] > changed["cost × 2"]["cagr"]


def test_every_configuration_counts_in_the_deflated_ratio(home: Path, strategy: dict[str, Any]):
    lines = (home / "trials.jsonl").read_text().splitlines()
    looked = [json.loads(line) for line in lines]
    changed = {line["changed"] for line in looked if "changed" in line}
    assert changed == {of["name"] for of in strategy["changed"]}
    luck = strategy["fees"]["mission"]["luck"]
    assert luck["variance_measured"]
    assert luck["trials"] >= len(changed) + 2
    assert len(lines) == strategy["trials"]
    assert not any(line.get("suite") == "research" for line in looked)


def test_runs_that_move_together_count_once_beside_the_full_count(strategy: dict[str, Any]):
    known, headline = strategy["effective"], strategy["fees"]["mission"]["luck"]
    assert known["known"] == len(strategy["changed"]) + 2
    assert 1 <= known["different"] < known["known"] <= headline["trials"]
    assert 0.0 <= known["dsr"] <= 1.0


def test_the_strategys_page_shows_the_verdict_beside_its_checks(strategy: dict[str, Any]):
    page = Path(strategy["report"]).read_text()
    for words in ("Verdict: NOT MET", "Sharpe ratio one hour late", "without forest", "fees kraken-2026-07"):
        assert words in page
    assert "http" not in page
