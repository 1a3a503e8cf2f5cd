"""A home is backed up while it is written to, lost and restored; its audit log says so."""

import json
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from adapters.audit.anchors import FolderAnchor
from adapters.audit.checkpoints import seal
from adapters.audit.keys import signing_key
from adapters.backup import BackupStore
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url
from adapters.storage.migrate import upgrade
from cli.main import app
from tests.audited import Log, logged, tell
from tests.stored import NOW


def ballast(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def database(home: Path) -> Engine:
    return connect(sqlite_url(home / "paper" / "ballast.db"))


def go_on(home: Path, anchor: Path, log: Log, entries: int, hour: int) -> None:
    """More entries, and a checkpoint over them that is kept outside."""
    engine = database(home)
    for number in range(entries):
        tell(engine, PortfolioKey(log.track, "main"), number)
    seal(engine, log.track, signing_key(home / "audit"), FolderAnchor(anchor), NOW + timedelta(hours=hour))
    engine.dispose()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A home with a log of every kind, and files of other sorts."""
    home = tmp_path / "home"
    (home / "paper").mkdir(parents=True)
    (home / "logs").mkdir()
    (home / "logs" / "worker.log").write_text("chatter")
    (home / "objects").mkdir()
    (home / "objects" / "reply").write_bytes(b"from the venue")
    (home / "objects" / "reply").chmod(0o444)
    (home / "link").symlink_to(home / "objects")
    engine = database(home)
    upgrade(engine)
    made = logged(engine, home)
    engine.dispose()
    return made


@pytest.fixture
def home(tmp_path: Path, log: Log) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "disk"


def contents(home: Path) -> dict[str, tuple[int, bytes]]:
    """Every file but databases, with its mode."""
    files = [path for path in home.rglob("*") if path.is_file() and ".db" not in path.name]
    return {str(path.relative_to(home)): (path.stat().st_mode, path.read_bytes()) for path in files}


def test_a_lost_home_comes_back_as_it_was(home: Path, store: Path) -> None:
    before = contents(home)
    assert ballast("backup", store, "--home", home).exit_code == 0
    shutil.rmtree(home)
    done = ballast("restore", store, "--home", home)
    assert done.exit_code == 0, done.output
    assert (home / "link" / "reply").read_bytes() == b"from the venue"
    assert contents(home) == {name: kept for name, kept in before.items() if not name.startswith("logs")}
    assert ballast("audit", "verify", "--home", home).exit_code == 0
    assert store.stat().st_mode & 0o777 == 0o700


def test_what_was_attested_since_the_backup_is_named_as_lost(
    home: Path, store: Path, log: Log, tmp_path: Path
) -> None:
    anchor = tmp_path / "elsewhere"
    shutil.copytree(home / "audit" / "anchor", anchor)
    ballast("backup", store, "--home", home)
    written = len(log.genuine)
    go_on(home, anchor, log, entries=5, hour=8)
    shutil.rmtree(home)
    ballast("restore", store, "--home", home, "--anchor", anchor)
    go_on(home, anchor, log, entries=3, hour=9)
    done = ballast("audit", "verify", "--home", home, "--anchor", anchor, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["restores"] == [{"seq": written + 1, "lost": written + 5}]
    assert told["anchored"] == written + 4


def test_a_restore_that_the_log_does_not_know_of_is_found(
    home: Path, store: Path, log: Log, tmp_path: Path
) -> None:
    """Somebody restores, trades on, and puts the first database back."""
    anchor = tmp_path / "elsewhere"
    ballast("backup", store, "--home", home)
    shutil.copytree(home, tmp_path / "first")
    shutil.rmtree(home)
    ballast("restore", store, "--home", home, "--anchor", anchor)
    go_on(home, anchor, log, entries=3, hour=9)
    done = ballast("audit", "verify", "--home", tmp_path / "first", "--anchor", anchor)
    assert done.exit_code == 1
    assert "a restore that was attested outside" in done.stdout


def test_restoring_twice_keeps_every_line_apart(home: Path, store: Path, log: Log, tmp_path: Path) -> None:
    anchor = tmp_path / "elsewhere"
    ballast("backup", store, "--home", home)
    for hour in (8, 9):
        shutil.rmtree(home)
        ballast("restore", store, "--home", home, "--anchor", anchor)
        go_on(home, anchor, log, entries=3, hour=hour)
    done = ballast("audit", "verify", "--home", home, "--anchor", anchor)
    assert done.exit_code == 0, done.output


def test_a_backup_under_writers_is_of_one_moment(home: Path, store: Path, log: Log) -> None:
    ended = threading.Event()

    def write() -> None:
        engine = database(home)
        while not ended.is_set():
            tell(engine, PortfolioKey(log.track, "main"), 1)
        engine.dispose()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            assert ballast("backup", store, "--home", home).exit_code == 0
    finally:
        ended.set()
        writer.join()
    shutil.rmtree(home)
    assert ballast("restore", store, "--home", home).exit_code == 0
    assert ballast("audit", "verify", "--home", home).exit_code == 0


def test_a_second_backup_keeps_only_what_changed(home: Path, store: Path) -> None:
    ballast("backup", store, "--home", home)
    objects = len(list((store / "objects").rglob("*")))
    (home / "objects" / "another").write_bytes(b"more")
    ballast("backup", store, "--home", home)
    assert len(list(store.glob("*.json"))) == 2
    assert len([path for path in (store / "objects").rglob("*") if path.is_file()]) <= objects + 1


def test_a_damaged_backup_is_not_restored(home: Path, store: Path) -> None:
    ballast("backup", store, "--home", home)
    manifest = json.loads(next(store.glob("*.json")).read_bytes())
    path, sha256, *_ = next(file for file in manifest["files"] if file[0] == "objects/reply")
    kept = store / "objects" / sha256[:2] / sha256
    kept.chmod(0o644)
    kept.write_bytes(b"from somebody else")
    shutil.rmtree(home)
    done = ballast("restore", store, "--home", home)
    assert done.exit_code == 1
    assert f"{path} is damaged" in done.stderr
    assert not any(home.iterdir())


def test_a_home_with_anything_in_it_is_not_written_over(home: Path, store: Path) -> None:
    ballast("backup", store, "--home", home)
    done = ballast("restore", store, "--home", home)
    assert done.exit_code == 2
    assert "not empty" in done.stderr


def test_a_backup_inside_the_home_is_no_backup(home: Path) -> None:
    assert ballast("backup", home / "backup", "--home", home).exit_code == 2


def test_an_unknown_backup_is_said_so(home: Path, store: Path, tmp_path: Path) -> None:
    ballast("backup", store, "--home", home)
    assert ballast("restore", store, "--name", "never", "--home", tmp_path / "new").exit_code == 2
    assert ballast("restore", tmp_path / "none", "--home", tmp_path / "new").exit_code == 2


def test_a_log_that_grows_meanwhile_names_no_object_that_is_not_there(tmp_path: Path) -> None:
    home, store = tmp_path / "home", BackupStore(tmp_path / "store")
    replies = home / "replies.jsonl"
    (home / "objects").mkdir(parents=True)
    replies.write_text("")

    def tell(_done: int, _of: int, _name: str) -> None:
        """Something comes in whenever a file is about to be copied: first its bytes, then its line."""
        body = f"reply-{len(list((home / 'objects').iterdir()))}"
        (home / "objects" / body).write_text(body)
        with replies.open("a") as log:
            log.write(body + "\n")

    backup = store.take(home, NOW, tell)
    store.restore(backup, tmp_path / "restored", home, lambda *_: None)
    told = (tmp_path / "restored" / "replies.jsonl").read_text().split()
    assert told
    assert all((tmp_path / "restored" / "objects" / body).exists() for body in told)
