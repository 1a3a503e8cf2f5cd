"""How venue time goes: at a multiple of real time, or only when told to."""

from time import monotonic

from simulator.exchange import Exchange
from simulator.tape import SECOND_NS


class Clock:
    """Venue seconds for each real second; at speed 0, lockstep, time moves by control alone."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._seen_s = monotonic()

    def set(self, speed: float, exchange: Exchange) -> None:
        """Go on at another speed from now."""
        self.catch_up(exchange)
        self.speed = speed

    def catch_up(self, exchange: Exchange) -> None:
        """Let the real time since the last call pass at the venue."""
        now_s = monotonic()
        if self.speed:
            exchange.advance(exchange.now_ns + int((now_s - self._seen_s) * self.speed * SECOND_NS))
        self._seen_s = now_s
