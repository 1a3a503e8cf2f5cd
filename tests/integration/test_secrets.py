"""Secrets from files and from a Secret Manager: Google's own client over gRPC, against a small server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.cloud.secretmanager import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretManagerServiceClient,
)
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcTransport,
)
from google_crc32c import value as crc32c

from adapters.secrets import FRESH_S, Folder, SecretManager, Secrets, secrets
from trading.errors import DataError, UsageError, VenueUnavailable

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
KEY = "projects/1/secrets/kraken-key/versions/"


class Server:
    """Holds values by whole name; `fails` answers everything by that status."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.fails: grpc.StatusCode | None = None
        self.damages = False
        self.asked = 0

    def access(
        self, request: AccessSecretVersionRequest, context: grpc.ServicerContext
    ) -> AccessSecretVersionResponse:
        self.asked += 1
        if self.fails:
            context.abort(self.fails, "as told")
        if request.name not in self.values:
            context.abort(grpc.StatusCode.NOT_FOUND, request.name)
        data = self.values[request.name]
        payload = {"data": data[:-1] if self.damages else data, "data_crc32c": crc32c(data)}
        return AccessSecretVersionResponse(name=request.name, payload=payload)


@pytest.fixture
def cloud() -> Iterator[tuple[Server, SecretManager]]:
    holder = Server()
    access = grpc.unary_unary_rpc_method_handler(
        holder.access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(2))
    handler = grpc.method_handlers_generic_handler(SERVICE, {"AccessSecretVersion": access})
    server.add_generic_rpc_handlers((handler,))
    channel = grpc.insecure_channel(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    transport = SecretManagerServiceGrpcTransport(channel=channel)
    yield holder, SecretManager(lambda: SecretManagerServiceClient(transport=transport))
    channel.close()
    server.stop(None)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kraken-key").write_text("local\n")
    (tmp_path / "kraken-key").chmod(0o600)
    return tmp_path


def test_references_in_a_document_become_their_values(
    cloud: tuple[Server, SecretManager], folder: Path
) -> None:
    cloud[0].values[KEY + "3"] = b"from afar"
    told = {"a": [f"secret:{KEY}3", 1, None], "b": {"c": "secret:kraken-key", "d": "plain"}}
    read = Secrets(Folder(folder), cloud[1]).resolved(told)
    assert read == {"a": ["from afar", 1, None], "b": {"c": "local", "d": "plain"}}


def test_a_rotation_is_seen_without_a_restart(cloud: tuple[Server, SecretManager], folder: Path) -> None:
    holder, clock = cloud[0], Clock()
    held = Secrets(Folder(folder), cloud[1], clock)
    holder.values[KEY + "latest"] = b"old"
    assert [held.read(KEY + "latest"), held.read("kraken-key")] == ["old", "local"]
    holder.values[KEY + "latest"] = b"new"
    (folder / "kraken-key").write_text("rotated")
    assert [held.read(KEY + "latest"), held.read("kraken-key"), holder.asked] == ["old", "local", 1]
    clock.now += FRESH_S
    assert [held.read(KEY + "latest"), held.read("kraken-key")] == ["new", "rotated"]


def test_an_outage_leaves_the_last_value_good(cloud: tuple[Server, SecretManager], folder: Path) -> None:
    holder, clock = cloud[0], Clock()
    held = Secrets(Folder(folder), cloud[1], clock)
    holder.fails = grpc.StatusCode.INTERNAL
    with pytest.raises(VenueUnavailable, match="does not answer"):
        held.read(KEY + "1")
    holder.fails, holder.values[KEY + "1"] = None, b"good"
    assert held.read(KEY + "1") == "good"
    holder.fails, clock.now = grpc.StatusCode.INTERNAL, clock.now + FRESH_S
    assert held.read(KEY + "1") == "good"


@pytest.mark.parametrize("status", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION])
def test_a_secret_that_was_taken_away_is_gone(
    cloud: tuple[Server, SecretManager], folder: Path, status: grpc.StatusCode
) -> None:
    holder, clock = cloud[0], Clock()
    held = Secrets(Folder(folder), cloud[1], clock)
    holder.values[KEY + "1"] = b"good"
    assert held.read(KEY + "1") == "good"
    holder.fails, clock.now = status, clock.now + FRESH_S
    with pytest.raises(UsageError, match="not there for us"):
        held.read(KEY + "1")


def test_what_arrives_damaged_is_not_used(cloud: tuple[Server, SecretManager]) -> None:
    cloud[0].values[KEY + "1"], cloud[0].damages = b"good", True
    with pytest.raises(DataError, match="damaged"):
        cloud[1].read(KEY + "1")


def test_a_missing_secret_is_named_and_its_value_never_is(
    cloud: tuple[Server, SecretManager], folder: Path
) -> None:
    (folder / "kraken-key").chmod(0o640)
    held = Secrets(Folder(folder), cloud[1])
    for name, words in (
        (KEY + "9", "versions/9"),
        ("none", "none"),
        ("kraken-key", "chmod 600"),
        ("../x", "no name"),
    ):
        with pytest.raises(UsageError, match=words) as told:
            held.read(name)
        assert "local" not in str(told.value)


def test_files_need_no_google(folder: Path) -> None:
    assert secrets(folder).read("kraken-key") == "local"
