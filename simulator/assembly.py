"""A venue put together from a tape: one call for the command, the tests and the benchmark."""

from collections.abc import Mapping

from simulator.auth import Keys
from simulator.catalogue import listed
from simulator.exchange import Exchange
from simulator.faults import Faults
from simulator.limits import Limits
from simulator.tape import Tape
from simulator.truth import Truth
from simulator.venue import Venue
from trading.config import TradingConfig


def open_venue(
    tape: Tape,
    config: TradingConfig,
    start_ns: int,
    deposits: Mapping[str, int],
    keys: Keys,
    truth: Truth,
    tier: str | None = None,
    seed: int = 0,
) -> Venue:
    """A venue that opens at `start_ns` with `deposits` by asset name; without a tier no rate is limited."""
    faults = Faults()
    catalogue = listed(instrument.name for instrument in tape.instruments)
    exchange = Exchange(tape, catalogue, config, start_ns, deposits, truth, faults, seed)
    return Venue(exchange, keys, Limits(tier), faults, truth)
