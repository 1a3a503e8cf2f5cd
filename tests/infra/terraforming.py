"""Runs the real terraform on a copy of `infra/`, offline, and gives what it says as values."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PLAN = Path(__file__).parent / "plan.tftest.hcl"
TRACKS = {"staging": "paper-staging-1", "production": "live-1"}


class Resource(NamedTuple):
    """One resource as a plan has it; what only the cloud can know is missing."""

    address: str
    type: str
    index: str
    values: dict[str, Any]


class Plan(NamedTuple):
    """What an environment would consist of."""

    environment: str
    resources: list[Resource]

    def of(self, type: str) -> list[Resource]:
        """Resources of a type, `google_` left out."""
        return [resource for resource in self.resources if resource.type == f"google_{type}"]


class Terraform:
    """A copy of `infra/` that may be spoiled, and a provider to check it against."""

    def __init__(self, copy: Path, provider: dict[str, str]) -> None:
        shutil.copytree(ROOT / "infra", copy, ignore=shutil.ignore_patterns(".terraform*"))
        self.copy = copy
        quiet = {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        self._environment = {**os.environ, **quiet, **provider}

    def spoil(self, file: str, right: str, wrong: str) -> None:
        """Put a fault into one file."""
        path = self.copy / file
        text = path.read_text()
        assert right in text, f"{file} has no {right!r} to spoil"
        path.write_text(text.replace(right, wrong))

    def validate(self, folder: str) -> str:
        """Empty, or what is wrong."""
        self._run(folder, "init", "-backend=false", "-input=false", "-no-color")
        done = self._run(folder, "validate", "-no-color")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def plan(self, environment: str) -> Plan:
        """What the environment would consist of, with values of an example."""
        text = PLAN.read_text().replace("TRACK", TRACKS[environment])
        (self.copy / environment / PLAN.name).write_text(text)
        self._run(environment, "init", "-backend=false", "-input=false", "-no-color")
        done = self._run(environment, "test", "-json", "-verbose")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told = [line["test_plan"] for line in lines if line["type"] == "test_plan"]
        assert done.returncode == 0, done.stdout
        return Plan(environment, [_resource(change) for change in told[0]["resource_changes"]])

    def _run(self, folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.copy / folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
        )


def _resource(change: dict[str, Any]) -> Resource:
    return Resource(
        change["address"], change["type"], str(change.get("index", "")), change["change"]["after"]
    )
