"""Where a credential turns up after a replayed hour: in the files meant to hold it, and nowhere else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "canary-9d2f71"
HOLD_IT = {"worker.json", "key.json"}


def holders(home: Path, secret: str) -> list[Path]:
    """Files under `home`, databases and histories among them, that contain a secret."""
    files = [file for file in home.rglob("*") if file.is_file()]
    return [file for file in files if secret.encode() in file.read_bytes()]


def test_the_search_finds_what_was_planted(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "some.db").write_bytes(b"\x00\xff" + CANARY.encode() + b"\x00")
    assert holders(tmp_path, CANARY) == [tmp_path / "deep" / "some.db"]


@pytest.mark.slow
def test_no_store_log_or_history_holds_a_credential(tmp_path: Path) -> None:
    planted = {"BALLAST_OIDC_CLIENT_SECRET": CANARY, "BALLAST_TEMPORAL_KEY": CANARY}
    done = subprocess.run(
        [Path(sys.executable).parent / "ballast", "up", "--hours", "1", "--home", tmp_path, "--json"],
        env=os.environ | planted,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    terms = json.loads(next(tmp_path.rglob("worker.json")).read_text())
    found = holders(tmp_path, terms["secret"])
    assert {file.name for file in found} == HOLD_IT
    assert all(file.stat().st_mode & 0o077 == 0 for file in found)
    assert holders(tmp_path, CANARY) == []
    assert not any(secret in done.stdout + done.stderr for secret in (terms["secret"], CANARY))
