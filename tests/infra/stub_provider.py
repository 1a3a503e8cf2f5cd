"""A stand-in for the google provider of Terraform: knows every argument and type, creates nothing.

Terraform talks to it as to the real one, over tfplugin6, and so checks names, types and nesting by itself;
what it would compute is left unknown. Messages are few and small, so they are written in protobuf's wire
format here.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

SCHEMA = Path(__file__).parent / "google.json"
SERVICE = "tfplugin6.Provider"
REQUIRED, OPTIONAL, COMPUTED = 4, 5, 6
"""Numbers of the fields of `Schema.Attribute` that say who gives its value."""

Json = dict[str, Any]


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def put(field: int, value: bytes | str | int) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(content)) + content


def attribute(name: str, type: Any, *given: int) -> bytes:
    """`Schema.Attribute`; `given` are the fields that say who gives its value."""
    return put(1, name) + put(2, json.dumps(type)) + b"".join(put(field, 1) for field in given)


def block(described: Json) -> bytes:
    """`Schema.Block`."""
    parts = [
        put(2, attribute(name, type, *((REQUIRED,) if required else (OPTIONAL, COMPUTED))))
        for name, (type, required) in described["attributes"].items()
    ]
    for name, type in described.get("computed", {}).items():
        parts.append(put(2, attribute(name, type, COMPUTED)))
    for name, (nesting, least, most, inner) in described["blocks"].items():
        nested = put(1, name) + put(2, block(inner)) + put(3, nesting) + put(4, least) + put(5, most)
        parts.append(put(3, nested))
    return b"".join(parts)


def described() -> Json:
    """What `extract_schema.py` wrote down."""
    told: Json = json.loads(SCHEMA.read_text())
    return told


def provider_schema() -> bytes:
    """`GetProviderSchema.Response`: the provider, then resources and data sources by name."""
    told = described()

    def schema(described: Json) -> bytes:
        return put(2, block(described))

    entries = [put(1, schema(told["provider"]))]
    for field, kind in ((2, "resource"), (3, "data")):
        entries += [put(field, put(1, name) + put(2, schema(d))) for name, d in told[kind].items()]
    return b"".join(entries)


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """What a terraform process needs in its environment to find the stub."""
    schema = provider_schema()
    silent = (
        *("GetMetadata", "ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig"),
        *("ConfigureProvider", "StopProvider"),
    )
    handlers = {name: grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"") for name in silent}
    handlers["GetProviderSchema"] = grpc.unary_unary_rpc_method_handler(lambda _request, _context: schema)
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    told = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({"hashicorp/google": told})}
    finally:
        server.stop(None)
