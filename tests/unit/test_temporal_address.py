"""How the engine is reached: in the clear in a network of one's own, by TLS with a key elsewhere."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client

from temporal.client import Server, connect


@pytest.mark.parametrize(("key", "told"), [("", (None, False)), ("cloud", ("cloud", True))])
def test_a_key_never_travels_in_the_clear(
    monkeypatch: pytest.MonkeyPatch, key: str, told: tuple[str | None, bool]
) -> None:
    seen: dict[str, Any] = {}

    async def connected(address: str, **options: Any) -> None:
        seen.update(options, address=address)

    monkeypatch.setattr(Client, "connect", connected)
    asyncio.run(connect(Server("engine:7233", "ballast", api_key=key)))
    assert (seen["api_key"], seen["tls"]) == told
    assert seen["address"] == "engine:7233"
