"""What a test or a driver may do, from this machine only: `/control/<name>` with a JSON object as body.

clock {speed?} · advance {to_s? or by_s? or bars?} · fault {kind, ...} · faults · clear {id?} · truth {after?}
· deposit {asset, amount} · key {permissions}
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.clock import Clock
from simulator.faults import Rule
from simulator.tape import FIRST_EVENT_NS, HOUR_NS, SECOND_NS
from simulator.venue import Venue
from trading.errors import BallastError, UsageError

Body = dict[str, Any]


class Control:
    """The commands behind `/control/`."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self.venue, self.exchange, self.clock = venue, venue.exchange, clock
        self._commands: dict[str, Callable[[Body], Body]] = {
            "clock": self._clock,
            "advance": self._advance,
            "fault": self._fault,
            "faults": self._faults,
            "clear": self._clear,
            "truth": self._truth,
            "deposit": self._deposit,
            "key": self._key,
        }

    def answer(self, command: str, body: bytes) -> tuple[int, Body]:
        """(HTTP status, answer); a wrong command is answered with what is wrong."""
        try:
            if command not in self._commands:
                raise UsageError(f"no control {command!r}; there are {', '.join(self._commands)}")
            return 200, self._commands[command](json.loads(body or b"{}"))
        except (BallastError, KeyError, TypeError, ValueError, InvalidOperation) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def _clock(self, body: Body) -> Body:
        """Where time stands, in seconds; `speed` changes how it goes, 0 stops it."""
        if "speed" in body:
            self.clock.set(float(body["speed"]), self.exchange)
        exchange = self.exchange
        return {
            "now_s": exchange.now_ns / SECOND_NS,
            "asof_s": exchange.now_ns // HOUR_NS * HOUR_NS // SECOND_NS,
            "next_event_s": exchange.next_event_ns / SECOND_NS,
            "end_s": exchange.end_ns // SECOND_NS,
            "speed": self.clock.speed,
        }

    def _advance(self, body: Body) -> Body:
        """To a time, by some seconds, or to the first event of a later bar; time never goes back."""
        now_ns = self.exchange.now_ns
        if "to_s" in body:
            to_ns = int(Decimal(str(body["to_s"])) * SECOND_NS)
        elif "by_s" in body:
            to_ns = now_ns + int(Decimal(str(body["by_s"])) * SECOND_NS)
        else:
            played = (now_ns - FIRST_EVENT_NS) // HOUR_NS
            to_ns = (played + int(body.get("bars", 1))) * HOUR_NS + FIRST_EVENT_NS
        self.exchange.advance(to_ns)
        return self._clock({})

    def _fault(self, body: Body) -> Body:
        """Set a fault; the fields are those of `simulator.faults.Rule`."""
        if body.get("kind") == "frozen":
            body.setdefault("args", {}).setdefault("at_s", self.exchange.now_ns // SECOND_NS)
        rule = Rule(**body)
        id = self.venue.faults.add(rule)
        self.venue.truth.add(self.exchange.now_ns, "fault set", id=id, kind=rule.kind)
        return {"id": id}

    def _faults(self, _: Body) -> Body:
        rows = [asdict(rule) for rule in self.venue.faults.rules]
        return {"faults": [{name: value for name, value in row.items() if name[0] != "_"} for row in rows]}

    def _clear(self, body: Body) -> Body:
        return {"cleared": self.venue.faults.clear(body.get("id"))}

    def _truth(self, body: Body) -> Body:
        """The rows of the truth log from number `after` on, and the balances and open orders as they are."""
        exchange = self.exchange
        return {
            "rows": self.venue.truth.rows[int(body.get("after", 0)) :],
            "balances": dict(exchange.ledger.balances),
            "held": {asset: exchange.held(asset) for asset in exchange.ledger.balances},
            "open": [order.txid for order in exchange.open_orders()],
        }

    def _deposit(self, body: Body) -> Body:
        """Add to a balance, or take from it with a negative amount."""
        asset = self.exchange.catalogue.asset(str(body["asset"]))
        if asset is None:
            raise UsageError(f"no asset {body['asset']}")
        units = Decimal(str(body["amount"])).scaleb(self.exchange.catalogue.scale[asset.name])
        return {"ledger": self.exchange.transfer(asset.name, int(units)).id}

    def _key(self, body: Body) -> Body:
        """What the key may do from now on."""
        self.venue.keys.permissions = [str(name) for name in body["permissions"]]
        return {"permissions": self.venue.keys.permissions}
