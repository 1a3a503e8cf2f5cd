"""Whose signature counts, and which entries a halt cancels."""

from pathlib import Path
from uuid import UUID, uuid5

import pytest

from adapters.audit.keys import make
from adapters.entries import WorkingEntries
from adapters.operators import OperatorKeys
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import unit_of_work
from adapters.storage.order_book import DurableOrders
from tests.halting import database
from tests.stored import NOW, approval_of, decision_of
from trading.errors import VenueUnavailable
from trading.execution.orders import Event, What
from trading.execution.protocol import Instruction, Kind, Report, Status

CONTENT = b"halt-1"


def test_a_signature_counts_for_its_owner_and_content_alone(tmp_path: Path) -> None:
    ada, bob = make(tmp_path / "private", "ada"), make(tmp_path / "private", "bob")
    for name, key in {"ada": ada, "bob": bob, "twin": bob}.items():
        (tmp_path / f"{name}.pub").write_text(key.public + "\n")
    known = OperatorKeys(tmp_path)
    assert known.refusal("ada", CONTENT, ada.sign(CONTENT)) == ""
    assert "not ada's signature" in known.refusal("ada", CONTENT, bob.sign(CONTENT))
    assert "not ada's signature" in known.refusal("ada", b"halt-2", ada.sign(CONTENT))
    for signature in ("", "zz", ada.sign(CONTENT)[:-2]):
        assert "not ada's signature" in known.refusal("ada", CONTENT, signature)
    assert "bob and twin have the same key" in known.refusal("bob", CONTENT, bob.sign(CONTENT))
    for nobody in ("eve", "../ada", "ADA", ""):
        assert "no public key" in known.refusal(nobody, CONTENT, ada.sign(CONTENT))
    (tmp_path / "ada.pub").unlink()
    assert "no public key" in known.refusal("ada", CONTENT, ada.sign(CONTENT))


class Desk:
    """A venue that ends an order one look after it was asked to."""

    def __init__(self) -> None:
        self.open = {"O1", "O3"}
        self.cancelled: list[str] = []

    def cancel(self, venue_id: str, instrument: str) -> None:
        self.cancelled.append(venue_id)
        self.open.discard(venue_id)

    def report(self, venue_id: str) -> Report | None:
        status = Status.OPEN if venue_id in self.open else Status.CANCELLED
        return Report(venue_id, None, "", "BTC/USD", "limit", 1000, 600_000, status, 0, ())


def test_a_halt_cancels_entries_and_leaves_exits_and_stops(tmp_path: Path) -> None:
    key, desk = PortfolioKey("replay-a", "main"), Desk()
    engine = database(tmp_path, key)
    with unit_of_work(engine, key) as session:
        other = approval_of(key, -1000, instrument="ETH/USD", wanted_lots=-1000)
        Decisions(session, key).store(decision_of(key), (approval_of(key, 1000), other))
    orders = DurableOrders(engine, key, NOW)

    def place(n: int, instrument: str, lots: int, venue_id: str) -> None:
        wanted = Instruction(uuid5(UUID(int=0), str(n)), instrument, Kind.LIMIT, lots, 600_000)
        orders.open(wanted, Event(What.SENT, NOW, deadline=NOW))
        if venue_id:
            stored = orders.load(wanted.id)
            assert stored is not None
            orders.append(stored, Event(What.ACCEPTED, NOW, venue_id=venue_id))

    entries = WorkingEntries(engine, lambda track, portfolio: desk)
    assert entries.cancel(*key) == 0
    place(1, "BTC/USD", 1000, "O1")
    place(2, "ETH/USD", -1000, "O3")
    assert entries.cancel(*key) == 1
    assert entries.cancel(*key) == 0
    assert desk.cancelled == ["O1"]
    assert desk.open == {"O3"}


def test_an_entry_of_unknown_fate_counts_until_it_is_found_out(tmp_path: Path) -> None:
    key = PortfolioKey("replay-a", "main")
    engine = database(tmp_path, key)
    with unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key), (approval_of(key, 1000),))
    wanted = Instruction(UUID(int=1), "BTC/USD", Kind.LIMIT, 1000, 600_000)
    DurableOrders(engine, key, NOW).open(wanted, Event(What.SENT, NOW, deadline=NOW))
    assert WorkingEntries(engine, lambda track, portfolio: Desk()).cancel(*key) == 1

    def unreachable(track: str, portfolio: str) -> Desk:
        raise VenueUnavailable("no answer")

    with pytest.raises(VenueUnavailable):
        WorkingEntries(engine, unreachable).cancel(*key)
