"""The real MLflow: releases go in as files, come out verified, and only people move the champion."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.audit import Audit, Kind
from adapters.audit.log import records
from adapters.model_registry import ModelRegistry
from adapters.storage.decisions import Decisions
from adapters.storage.engine import connect, sqlite_url, unit_of_work
from adapters.storage.migrate import upgrade
from cli.models import app
from tests.releases import TRAINED_THROUGH, release
from tests.stored import approval_of, decision_of, opened
from trading.clock import TradingHour
from trading.errors import DataError, InvariantError, UsageError
from trading.models.promotion import CHALLENGER, CHAMPION, SUITES

WHO, WHY = "ada", "better by every test"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry without releases: MLflow's tables take seconds to make."""
    folder = tmp_path_factory.mktemp("registry")
    ModelRegistry(folder)
    return folder


@pytest.fixture
def registry(empty: Path, tmp_path: Path) -> ModelRegistry:
    # The copied database still names the first folder for its bundles; every version has one of its own.
    return ModelRegistry(Path(shutil.copytree(empty, tmp_path / "models")))


def bundle(registry: ModelRegistry, version: int) -> Path:
    source = registry._client.get_model_version("ballast", str(version)).source
    return Path(str(source).removeprefix("file://"))


def proven(registry: ModelRegistry, *suites: str) -> None:
    for suite in suites or SUITES:
        registry.evaluated(suite, release().facts.log_digest, "r" * 64, passed=True)


def test_a_release_comes_back_by_version_and_alias_as_it_went_in(registry):
    made = registry.register(release())
    assert (made.version, made.aliases, made.digest) == (1, (CHALLENGER,), release().digest)
    assert registry.load(1) == registry.load("1") == registry.load(CHALLENGER) == release()
    assert made.facts == release().facts


def test_the_same_release_is_registered_once_and_the_newest_challenges(registry):
    assert registry.register(release()).version == registry.register(release()).version == 1
    assert registry.register(release(graph=b"two")).aliases == (CHALLENGER,)
    assert [(v.version, v.aliases) for v in registry.versions()] == [(2, (CHALLENGER,)), (1, ())]


def test_nothing_in_a_bundle_is_pickled(registry):
    registry.register(release())
    files = {path.name for path in bundle(registry, 1).iterdir()}
    assert files == {"manifest.json"} | {f"{name}.model" for name in release().members}
    assert all(not path.read_bytes().startswith(b"\x80") for path in bundle(registry, 1).iterdir())


@pytest.mark.parametrize("name", ["manifest.json", "stack.model"])
def test_a_corrupted_bundle_is_refused_and_never_champion(registry, name):
    registry.register(release())
    proven(registry)
    path = bundle(registry, 1) / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DataError, match="register the release again"):
        registry.load(1)
    with pytest.raises(DataError):
        registry.promote(1, "replay", WHO, WHY)
    assert registry.promotions() == []


def test_a_promotion_outside_replay_is_refused_with_every_reason(registry):
    registry.register(release(preset="quick", proxy=True, days={"NEW/USD": 30}))
    proven(registry, "leakage")
    with pytest.raises(UsageError) as refused:
        registry.promote(1, "live", WHO, WHY)
    for reason in ("preset is quick", "not kraken's", "evaluate forecasts", "evaluate strategy", "NEW/USD"):
        assert reason in str(refused.value)
    with pytest.raises(UsageError, match="no release 'champion'"):
        registry.version(CHAMPION)


def test_a_replay_may_show_what_live_may_not_and_the_record_says_so(registry):
    registry.register(release(preset="quick"))
    made = registry.promote(CHALLENGER, "replay", WHO, WHY)
    assert any("preset is quick" in reason for reason in made.waived)
    assert registry.champion("replay")[1].facts.preset == "quick"
    for mode in ("paper", "live"):
        with pytest.raises(UsageError, match="may not serve"):
            registry.champion(mode)


def test_a_failed_suite_takes_back_an_earlier_pass(registry):
    registry.register(release())
    proven(registry)
    registry.evaluated("leakage", release().facts.log_digest, "r" * 64, passed=False)
    with pytest.raises(UsageError, match="evaluate leakage"):
        registry.promote(1, "paper", WHO, WHY)
    registry.evaluated("leakage", "another log", "r" * 64, passed=True)
    with pytest.raises(UsageError, match="evaluate leakage"):
        registry.promote(1, "paper", WHO, WHY)


def test_a_promotion_is_recorded_with_who_and_why_and_moves_the_alias(registry):
    registry.register(release())
    proven(registry)
    made = registry.promote(1, "live", WHO, WHY)
    assert (made.who, made.why, made.previous, made.waived) == (WHO, WHY, None, ())
    known, loaded = registry.champion("live")
    assert (known.aliases, loaded) == ((CHAMPION,), release())
    assert registry.promotions() == [made]


@pytest.mark.parametrize(("mode", "who", "why"), [("live", " ", WHY), ("live", WHO, ""), ("dream", WHO, WHY)])
def test_nobody_promotes_without_a_name_a_reason_and_a_mode(registry, mode, who, why):
    registry.register(release())
    proven(registry)
    with pytest.raises(UsageError, match="who decides and why"):
        registry.promote(1, mode, who, why)


def test_a_rollback_goes_down_the_line_of_champions(registry):
    for graph in (b"one", b"two", b"three"):
        registry.register(release(graph=graph))
        registry.promote(CHALLENGER, "replay", WHO, WHY)
    assert registry.rollback(WHO, "worse").version == 2
    assert registry.rollback(WHO, "worse still").version == 1
    assert registry.champion("replay")[0].version == 1
    with pytest.raises(UsageError, match="earlier champion"):
        registry.rollback(WHO, "no way back")
    actions = [(line.action, line.version) for line in registry.promotions()]
    assert actions[-2:] == [("rollback", 2), ("rollback", 1)]


def test_a_champion_that_nobody_promoted_is_not_believed(registry):
    registry.register(release())
    registry.register(release(graph=b"two"))
    registry.promote(1, "replay", WHO, WHY)
    registry._client.set_registered_model_alias("ballast", CHAMPION, "2")
    with pytest.raises(InvariantError, match="record of promotions"):
        registry.champion("replay")


def test_another_process_finds_the_champion_without_loading_a_trainer(registry):
    registry.register(release())
    registry.promote(1, "replay", WHO, WHY)
    program = (
        "import json, sys; from pathlib import Path; from adapters.model_registry import ModelRegistry\n"
        f"known, loaded = ModelRegistry(Path({str(registry._folder)!r})).champion('replay')\n"
        "trainers = [n for n in ('torch', 'xgboost', 'lightgbm', 'sklearn') if n in sys.modules]\n"
        "print(json.dumps([known.version, loaded.digest, trainers]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [1, release().digest, []]


@pytest.fixture
def home(registry: ModelRegistry) -> Path:
    return registry._folder.parent


def ask(home: Path, *arguments: str) -> Any:
    """What a command prints as JSON."""
    done = CliRunner().invoke(app, [*arguments, "--json", "--home", str(home)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def entered(home: Path, when: datetime) -> None:
    """A database of the replay mode in which one entry was approved."""
    (home / "replay").mkdir()
    engine = connect(sqlite_url(home / "replay" / "ballast.db"))
    upgrade(engine)
    key = opened(engine)
    with unit_of_work(engine, key) as session:
        denied = approval_of(key, 0, asof=when, instrument="ETH/USD")
        Decisions(session, key).store(decision_of(key, asof=when), [approval_of(key, asof=when), denied])
    engine.dispose()


def test_the_command_promotes_shows_and_rolls_back(registry, home):
    assert ask(home, "list") == {"releases": []}
    for graph in (b"one", b"two"):
        registry.register(release(graph=graph))
        told = ask(home, "promote", "challenger", "--who", WHO, "--why", WHY)
    assert (told["version"], told["previous"], told["who"]) == (2, 1, WHO)
    newest, oldest = ask(home, "list")["releases"]
    assert (newest["aliases"], oldest["aliases"], newest["state"]) == (["champion"], [], "")
    assert newest["expires"] == str(TradingHour(TRAINED_THROUGH + 45 * 24))
    shown = ask(home, "show", "champion")
    assert shown["models"]["lstm"]["trained_through"] == TRAINED_THROUGH
    assert [line["why"] for line in shown["promotions"]] == [WHY]
    assert ask(home, "rollback", "--who", WHO, "--why", "worse")["version"] == 1


def test_the_tables_name_what_the_json_holds(registry, home):
    registry.register(release(proxy=True))
    listed = CliRunner().invoke(app, ["list", "--home", str(home)]).stdout
    shown = CliRunner().invoke(app, ["show", "1", "--home", str(home)]).stdout
    assert "challenger" in listed
    assert "PROXY" in listed
    assert "transformer" in shown
    assert "nothing yet" in shown


def test_a_damaged_release_is_listed_as_such_and_not_shown(registry, home):
    registry.register(release())
    (bundle(registry, 1) / "lstm.model").write_bytes(b"")
    assert ask(home, "list")["releases"][0]["state"] == "DAMAGED"
    with pytest.raises(DataError, match="the lstm of release"):
        ask(home, "show", "1")


@pytest.mark.parametrize(("entry_d_ago", "state"), [(None, "IDLE"), (300, ""), (366, "IDLE")])
def test_a_champion_without_an_entry_for_a_year_is_marked_idle(registry, home, entry_d_ago, state):
    registry.register(release())
    promotion = registry.promote(1, "replay", WHO, WHY)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    file = registry._folder / "records" / "promotions.jsonl"
    long_ago = (now - timedelta(days=400)).isoformat()
    file.write_text(file.read_text().replace(promotion.at, long_ago))
    if entry_d_ago:
        entered(home, now - timedelta(days=entry_d_ago))
    assert ask(home, "list")["releases"][0]["state"] == state


def test_a_promotion_by_command_is_in_the_audit_log_when_the_command_returns(registry, tmp_path):
    registry.register(release())
    file = tmp_path / "replay" / "ballast.db"
    file.parent.mkdir()
    engine = connect(sqlite_url(file))
    upgrade(engine)
    key = opened(engine)
    with unit_of_work(engine, key) as session:
        Audit(session).append(key.track, Kind.ACCOUNT, "", b"{}")
    told = ["promote", "1", "--who", WHO, "--why", WHY, "--home", str(tmp_path)]
    assert CliRunner().invoke(app, told).exit_code == 0
    with engine.connect() as connection:
        said = [json.loads(one.body) for one in records(connection, key.track) if one.kind == Kind.PROMOTION]
    assert [(one["number"], one["version"], one["who"], one["why"]) for one in said] == [(1, 1, WHO, WHY)]
