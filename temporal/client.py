"""How everybody reaches the engine: one address, one converter, and the codec if there is a key."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from temporalio.client import Client, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError

from temporal.codec import EncryptionCodec
from trading.errors import VenueUnavailable


class Server(NamedTuple):
    """Where the engine is, and with which keys payloads are sealed."""

    address: str
    namespace: str
    keys: tuple[tuple[str, bytes], ...] = ()
    """(id, 32 bytes), the one to seal with first; none: payloads are plain."""
    api_key: str = ""
    """Of Temporal Cloud, which is reached by TLS; empty: a server of our own, in a network of our own."""


def converter(keys: tuple[tuple[str, bytes], ...] = ()) -> DataConverter:
    """The one converter of clients, workers, replays and tools."""
    if not keys:
        return pydantic_data_converter
    return replace(
        pydantic_data_converter,
        payload_codec=EncryptionCodec(dict(keys), keys[0][0]),
        # Error messages would be stored in the clear otherwise.
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def outspoken(metrics: str = "") -> Runtime:
    """A runtime whose own lines go to this process's log, and whose metrics, `temporal_…`, wait at `metrics`,
    HOST:PORT, for Prometheus; one for a process.

    By itself it would write to stdout, and stand still for ever when nobody reads that.
    """
    lines = LogForwardingConfig(logging.getLogger("temporal"), prepend_target_on_message=False)
    waiting = PrometheusConfig(bind_address=metrics) if metrics else None
    heard = LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), lines)
    return Runtime(telemetry=TelemetryConfig(logging=heard, metrics=waiting))


async def connect(server: Server, plugins: Sequence[Plugin] = (), runtime: Runtime | None = None) -> Client:
    """A client of the engine, whose workers inherit its plugins; `VenueUnavailable` if it does not answer."""
    try:
        return await Client.connect(
            server.address,
            namespace=server.namespace,
            data_converter=converter(server.keys),
            plugins=plugins,
            api_key=server.api_key or None,
            tls=bool(server.api_key),
            runtime=runtime,
        )
    except (RPCError, RuntimeError) as error:
        raise VenueUnavailable(f"Temporal does not answer at {server.address}; start it first") from error
