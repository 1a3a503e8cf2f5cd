"""Looks for credentials that were planted, in every place to which an hour writes and on every page."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
from google.cloud.storage import Bucket
from sqlalchemy import Engine, inspect, text

VALUES = {"portfolio": "main", "instrument": "BTC/USD"}
READ_S = 5.0


def in_files(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Logs, homes, the engine's own database with its histories."""
    for folder in folders:
        for file in folder.rglob("*") if folder.is_dir() else [folder]:
            if file.is_file():
                yield str(file), file.read_bytes()


def in_tables(engine: Engine) -> Iterator[tuple[str, bytes]]:
    """Every row of every table."""
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
            yield f"table {table}", repr(rows).encode()


def in_bucket(bucket: Bucket) -> Iterator[tuple[str, bytes]]:
    for blob in bucket.list_blobs():
        yield f"gs://{bucket.name}/{blob.name}", blob.download_as_bytes()


def in_processes() -> Iterator[tuple[str, bytes]]:
    """What anybody sees who lists processes."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(file), file.read_bytes()
        except OSError:
            continue


def on_pages(address: str, token: str, asof: str) -> Iterator[tuple[str, bytes]]:
    """The dashboard and every answer that an administrator can get, errors among them."""
    values = VALUES | {"asof": asof}
    with httpx.Client(base_url=address, timeout=READ_S, trust_env=False) as client:
        document = client.get("/api/openapi.json")
        yield "/api/openapi.json", document.content
        paths = [path for path, told in document.json()["paths"].items() if "get" in told]
        for path in ["/", *paths]:
            named = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "x"), path)
            yield named, answer(client, named, token)


def answer(client: httpx.Client, path: str, token: str) -> bytes:
    """An answer with its headers; of a stream of events, what comes at first."""
    kept = b""
    try:
        with client.stream("GET", path, headers={"Authorization": f"Bearer {token}"}) as reply:
            kept = json.dumps([reply.status_code, *reply.headers.multi_items()]).encode()
            for piece in reply.iter_bytes():
                kept += piece
    except httpx.ReadTimeout:
        pass
    return kept


def told(places: Iterable[tuple[str, bytes]], planted: Iterable[str]) -> tuple[int, list[str]]:
    """How many places were looked at, and those that tell."""
    wanted, count, found = [secret.encode() for secret in planted], 0, []
    for name, content in places:
        count += 1
        if any(secret in content for secret in wanted):
            found.append(name)
    return count, found
