"""What a test or a driver may do, from this machine only: `/control/<name>` with a JSON object as body.

clock {speed?} · advance {to_s? or to_ns? or by_s? or bars?, asof?} · fault {kind, ...} · faults · clear {id?}
· truth {after?} · deposit {asset, amount, kind?} · key {permissions} · gate/open {asof, expected}
· gate/decided {asof, portfolios, orders} · gate/withdrawn {order, then?}
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.clock import Clock
from simulator.faults import Rule
from simulator.lookout import Lookout
from simulator.tape import FIRST_EVENT_NS, HOUR_NS, SECOND_NS
from simulator.venue import Venue
from trading.errors import BallastError, UsageError

Body = dict[str, Any]

PREFIX = "control/"
KEPT = ("deposit", "key", "gate/open", "gate/decided", "gate/withdrawn")
"""Commands that a journal keeps as they come; of `advance` it keeps what it came to."""


class Control:
    """The commands behind `/control/`."""

    def __init__(self, venue: Venue, clock: Clock, lookout: Lookout) -> None:
        self.venue, self.exchange, self.clock, self.lookout = venue, venue.exchange, clock, lookout
        self._commands: dict[str, Callable[[Body], Body]] = {
            "clock": self._clock,
            "advance": self._advance,
            "fault": self._fault,
            "faults": self._faults,
            "clear": self._clear,
            "truth": self._truth,
            "deposit": self._deposit,
            "key": self._key,
            "gate/open": self._gate_open,
            "gate/decided": self._gate_decided,
            "gate/withdrawn": self._gate_withdrawn,
        }

    def answer(self, command: str, body: bytes) -> tuple[int, Body]:
        """(HTTP status, answer); a wrong command is answered with what is wrong."""
        try:
            if command not in self._commands:
                raise UsageError(f"no control {command!r}; there are {', '.join(self._commands)}")
            asked = json.loads(body or b"{}")
            if command in KEPT:
                self.venue.keep(PREFIX + command, asked)
            return 200, self._commands[command](asked)
        except (BallastError, KeyError, TypeError, ValueError, InvalidOperation) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def _clock(self, body: Body) -> Body:
        """Where time stands, in seconds; `speed` changes how it goes, 0 stops it."""
        if "speed" in body:
            self.clock.set(float(body["speed"]), self.exchange)
        exchange = self.exchange
        return {
            "now_ns": exchange.now_ns,
            "now_s": exchange.now_ns / SECOND_NS,
            "asof_s": exchange.now_ns // HOUR_NS * HOUR_NS // SECOND_NS,
            "next_event_s": exchange.next_event_ns / SECOND_NS,
            "end_s": exchange.end_ns // SECOND_NS,
            "speed": self.clock.speed,
        }

    def _advance(self, body: Body) -> Body:
        """Let time pass; it never goes back. With `asof` only through that hour's open gate: else a
        `UsageError` names who holds time back.
        """
        to_ns = self._target_ns(body)
        missing = self.lookout.missing(str(body["asof"])) if "asof" in body else []
        if missing and to_ns > self.exchange.now_ns:
            raise UsageError("time may not pass yet: " + ", ".join(f"{m.name} {m.lacks}" for m in missing))
        self.venue.keep(PREFIX + "advance", {"to_ns": to_ns})
        self.exchange.advance(to_ns)
        return self._clock({})

    def _target_ns(self, body: Body) -> int:
        """A time, some seconds from now, the next due time of a gate, or the first event of a later bar."""
        now_ns = self.exchange.now_ns
        if "to_ns" in body:
            return int(body["to_ns"])
        if "to_s" in body:
            return int(Decimal(str(body["to_s"])) * SECOND_NS)
        if "by_s" in body:
            return now_ns + int(Decimal(str(body["by_s"])) * SECOND_NS)
        if "asof" in body:
            return self.lookout.next_due_ns() or now_ns
        played = (now_ns - FIRST_EVENT_NS) // HOUR_NS
        return (played + int(body.get("bars", 1))) * HOUR_NS + FIRST_EVENT_NS

    def _gate_open(self, body: Body) -> Body:
        """These portfolios decide in this hour."""
        self.lookout.gate.open(str(body["asof"]), [str(name) for name in body["expected"]])
        return {}

    def _gate_decided(self, body: Body) -> Body:
        """These portfolios have decided, and these orders are planned."""
        orders = [str(order) for order in body.get("orders", [])]
        self.lookout.gate.decided(str(body["asof"]), [str(name) for name in body["portfolios"]], orders)
        return {}

    def _gate_withdrawn(self, body: Body) -> Body:
        """Nothing more is done about an order; others may follow it."""
        self.lookout.gate.withdrawn(str(body["order"]), [str(order) for order in body.get("then", [])])
        return {}

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
        """Add to a balance, or take from it with a negative amount; `kind` as in the ledger's rows."""
        asset = self.exchange.catalogue.asset(str(body["asset"]))
        if asset is None:
            raise UsageError(f"no asset {body['asset']}")
        units = Decimal(str(body["amount"])).scaleb(self.exchange.catalogue.scale[asset.name])
        return {"ledger": self.exchange.transfer(asset.name, int(units), str(body.get("kind", ""))).id}

    def _key(self, body: Body) -> Body:
        """What the key may do from now on."""
        self.venue.keys.permissions = [str(name) for name in body["permissions"]]
        return {"permissions": self.venue.keys.permissions}
