"""`ballast audit` from the shell: verify, export, check the package with the verifier inside, rotate."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from adapters.audit.anchors import FolderAnchor
from adapters.audit.keys import signing_key
from adapters.storage.engine import connect, sqlite_url
from adapters.storage.migrate import upgrade
from cli.main import app
from tests.audited import Log, logged, replace_all, unguarded
from tests.forgeries import resigned


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Log]:
    """A home with a paper database whose log was sealed six times."""
    home = tmp_path_factory.mktemp("home")
    (home / "paper").mkdir()
    engine = connect(sqlite_url(home / "paper" / "ballast.db"))
    upgrade(engine)
    log = logged(engine, home)
    engine.dispose()
    return home, log


@pytest.fixture
def home(made: tuple[Path, Log], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "home"))


@pytest.fixture
def engine(home: Path) -> Engine:
    return connect(sqlite_url(home / "paper" / "ballast.db"))


def ballast(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments, "--home", str(home)])


def export(home: Path, *arguments: str) -> Path:
    file = home / "part.zip"
    done = ballast(
        home, "export", "--from", "2026-03-01", "--to", "2026-03-02", "--out", str(file), *arguments
    )
    assert done.exit_code == 0, done.output
    return file


def told(done: Result) -> dict[str, object]:
    said: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_a_genuine_log_is_good_and_says_how_far(home: Path, made: tuple[Path, Log]) -> None:
    done = ballast(home, "verify")
    assert done.exit_code == 0, done.output
    last = made[1].sealed[-1] - 1
    assert f"attested up to {last}" in done.stdout
    assert f"also outside up to {last}" in done.stdout


def test_without_checkpoints_outside_it_says_so(home: Path, tmp_path: Path) -> None:
    done = ballast(home, "verify", "--anchor", str(tmp_path / "none"))
    assert done.exit_code == 0
    assert "a log cut short would look the same" in done.stdout


def test_the_first_bad_entry_is_named(home: Path, engine: Engine) -> None:
    with unguarded(engine) as connection:
        connection.execute(text("UPDATE audit_entries SET body = '{}' WHERE seq = 7"))
        connection.commit()
    done = ballast(home, "verify", "--json")
    assert done.exit_code == 1
    assert told(done)["fault"] == {"seq": 7, "what": "its content is of another type than was written"}


def test_a_log_cut_short_is_bad(home: Path, engine: Engine) -> None:
    with unguarded(engine) as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE seq > 20"))
        connection.commit()
    done = ballast(home, "verify")
    assert done.exit_code == 1
    assert "entry 21: it is missing" in done.stdout


def test_checkpoints_can_be_made_by_hand_and_again(home: Path, made: tuple[Path, Log]) -> None:
    for _ in range(2):
        done = ballast(home, "checkpoint")
        assert done.exit_code == 0, done.output
        assert f"up to entry {len(made[1].genuine)}" in done.stdout


def test_a_cut_log_is_not_signed_again(home: Path, engine: Engine) -> None:
    with unguarded(engine) as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE seq > 20"))
        connection.commit()
    done = ballast(home, "checkpoint")
    assert done.exit_code == 1
    assert "forked" in done.stderr


def test_a_rotated_key_signs_and_the_old_one_is_still_trusted(home: Path) -> None:
    before = ballast(home, "key").stdout.split()[0]
    after = ballast(home, "rotate-key").stdout.split()[0]
    assert before != after == ballast(home, "key").stdout.split()[0]
    assert ballast(home, "checkpoint").exit_code == 0
    assert ballast(home, "verify").exit_code == 0
    assert (home / "audit" / "signing.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_does_not_sign(home: Path) -> None:
    (home / "audit" / "signing.key").chmod(0o644)
    done = ballast(home, "checkpoint")
    assert done.exit_code == 2
    assert "chmod 600" in done.stderr


def test_an_empty_home_has_no_log(tmp_path: Path) -> None:
    done = ballast(tmp_path, "verify")
    assert done.exit_code == 2


def test_the_same_part_is_the_same_file(home: Path) -> None:
    assert export(home).read_bytes() == export(home).read_bytes()


def test_a_part_runs_from_checkpoint_to_checkpoint(home: Path, made: tuple[Path, Log]) -> None:
    file = home / "part.zip"
    done = ballast(
        home, "export", "--from", "2026-03-01T13:30", "--to", "2026-03-01T14:30", "--out", str(file)
    )
    assert done.exit_code == 0, done.output
    sealed = made[1].sealed
    with zipfile.ZipFile(file) as package:
        manifest = json.loads(package.read("manifest.json"))
    assert (manifest["first"], manifest["last"]) == (sealed[1], sealed[3])
    assert ballast(home, "verify", str(file)).exit_code == 0


def alone(package: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier inside a package, by a Python without our packages."""
    with zipfile.ZipFile(package) as opened:
        opened.extractall(folder)
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})


def test_the_verifier_inside_needs_nothing_and_agrees(
    home: Path, made: tuple[Path, Log], tmp_path: Path
) -> None:
    log = made[1]
    outside = [str(file) for file in sorted((home / "audit" / "anchor" / log.track).iterdir())]
    done = alone(export(home), tmp_path / "part", "--key", log.first_key, "--anchored", *outside)
    assert done.returncode == 0, done.stdout + done.stderr
    last = log.sealed[-1] - 1
    assert f"attested up to entry {last} " in done.stdout
    assert f"outside up to entry {last}" in done.stdout


def rewritten(package: Path, out: Path, name: str, old: bytes, new: bytes) -> Path:
    """A copy of a package with one change in one of its files."""
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(out, "w") as copy:
        for inside in source.namelist():
            content = source.read(inside)
            assert inside != name or old in content
            copy.writestr(inside, content.replace(old, new, 1) if inside == name else content)
    return out


FORGERIES = {
    "body": ("entries.jsonl", b'\\"number\\":4', b'\\"number\\":5', "entry 5:"),
    "portfolio": ("entries.jsonl", b'"portfolio":"main","seq":3', b'"portfolio":"","seq":3', "entry 3:"),
    "dropped": ("entries.jsonl", b'"seq":6}', b'"seq":7}', "entry 6: it is missing"),
    "cut": ("manifest.json", b'"last":', b'"last":9', "it is missing"),
    "signature": ("entries.jsonl", b'signature\\":\\"', b'signature\\":\\"00', "entry 10:"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_both_verifiers_find_the_same_forgery(home: Path, tmp_path: Path, forgery: str) -> None:
    name, old, new, expected = FORGERIES[forgery]
    forged = rewritten(export(home), tmp_path / "forged.zip", name, old, new)
    ours = ballast(home, "verify", str(forged))
    theirs = alone(forged, tmp_path / "forged")
    assert (ours.exit_code, theirs.returncode) == (1, 1)
    assert expected in ours.stdout
    assert expected in theirs.stdout


def test_both_verifiers_hold_a_package_against_checkpoints_from_outside(
    home: Path, made: tuple[Path, Log], tmp_path: Path
) -> None:
    log, file = made[1], export(home)
    place = tmp_path / "anchor"
    other = log.anchor.kept(log.track)[1]
    FolderAnchor(place).put(log.track, "", log.sealed[1] - 1, other.replace(b'"digest":"', b'"digest":"f'))
    assert ballast(home, "verify", str(file), "--anchor", str(place)).exit_code == 1
    kept = str(next((place / log.track).iterdir()))
    assert alone(file, tmp_path / "part", "--anchored", kept).returncode == 1


def test_both_verifiers_refuse_a_signature_in_the_name_of_another(
    home: Path, engine: Engine, made: tuple[Path, Log], tmp_path: Path
) -> None:
    log, forger = made[1], signing_key(tmp_path / "forger")
    with unguarded(engine) as connection:
        replace_all(connection, log.track, resigned(log, list(log.genuine), forger))
        connection.commit()
    nowhere = ("--anchor", str(tmp_path / "none"))
    forged = export(home, *nowhere)
    ours = ballast(home, "verify", str(forged), *nowhere)
    theirs = alone(forged, tmp_path / "forged")
    for said in (ours.stdout, theirs.stdout):
        assert f"entry {log.sealed[0]}: " in said
        assert "signature is not good for what it says" in said


def test_a_package_by_another_key_attests_nothing(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.keys"
    other.write_text(ballast(tmp_path / "elsewhere", "key").stdout.split()[0] + "\n")
    done = ballast(home, "verify", str(export(home)), "--public", str(other))
    assert done.exit_code == 1


def test_what_is_no_package_is_said_so(home: Path) -> None:
    file = home / "empty.zip"
    file.write_bytes(b"")
    done = ballast(home, "verify", str(file))
    assert done.exit_code == 1
    assert "no readable package" in done.stderr
