"""The engine of a home, for commands that ask it something."""

from typing import TYPE_CHECKING

from cli.supervisor.house import House
from trading.errors import VenueUnavailable

if TYPE_CHECKING:
    from temporalio.client import Client


async def connected(house: House) -> "Client":
    """A client of the engine that the home's `ballast up` last had; `VenueUnavailable` if none answers."""
    from cli.supervisor.parts import TEMPORAL
    from temporal.client import Server, connect

    last = house.last()
    if last is None:
        raise VenueUnavailable("nothing ran here yet; `ballast up` starts the engine")
    return await connect(Server(last.addresses[TEMPORAL].removeprefix("http://"), last.namespace))
