"""Every kind that the audit trail promises is really told by whoever does it, and its bytes are bound."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from adapters.audit import Kind
from adapters.audit.anchors import FolderAnchor
from adapters.audit.carried import carry
from adapters.audit.chain import Record
from adapters.audit.checkpoints import seal
from adapters.audit.documents import enter
from adapters.audit.keys import signing_key
from adapters.audit.log import records
from adapters.audit.restored import declare
from adapters.audit.rotation import rotate
from adapters.audit.verify import verify
from adapters.monitors import Look, Monitors
from adapters.objects import ObjectStore
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import DONE, Hour, Mandate, PortfolioHour, Stage
from adapters.storage.journal import Journal
from adapters.storage.order_book import OrderBook
from adapters.storage.portfolios import open_portfolio
from adapters.storage.reconciliations import Reconciliations
from adapters.storage.states import Mark, Proof
from adapters.storage.trading_state import TradingStates
from api.access.roles import Role
from api.access.service import Access
from api.problems import Refused
from api.records import record
from tests.releases import release
from tests.stored import COUNT, NOW, approval_of, decision_of
from trading.errors import InvariantError
from trading.evaluation.monitors import Action, Level, Monitor
from trading.execution.identity import order_id
from trading.execution.orders import Event, What
from trading.execution.protocol import Instruction
from trading.execution.protocol import Kind as OrderKind
from trading.ledger.entries import flow_entry
from trading.ledger.journal import CASH, DEPOSITS
from trading.risk.halt_events import REFUSED, TRIPPED, Told
from trading.risk.trading_state import ACTIVE, APPROVE, HALTED, Standing

DIGEST = "ab" * 32
PASSWORD = "correct horse battery staple"
OPEN, HALT = Standing(ACTIVE, 0), Standing(HALTED, 1)
PROMOTIONS = [
    {"action": "promote", "version": 1, "who": "ada", "why": "better by every test"},
    {"action": "promote", "version": 2, "who": "ada", "why": "newer"},
    {"action": "rollback", "version": 1, "who": "ben", "why": "slippage doubled"},
]


class Noon:
    def now(self):
        return NOW


class Place(NamedTuple):
    """Where something is done: a portfolio on a track of its own, the newest of its database."""

    engine: Engine
    key: PortfolioKey
    folder: Path

    @property
    def objects(self) -> ObjectStore:
        return ObjectStore(self.folder / "objects")

    def add(self, *rows: object) -> None:
        with unit_of_work(self.engine, self.key) as session:
            session.add_all(rows)

    def told(self) -> list[Record]:
        with reading(self.engine) as session:
            return list(records(session, self.key.track))


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> Place:
    number = next(COUNT)
    key = PortfolioKey(f"paper-kinds-{number:04}", "p")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW + timedelta(days=number))
    return Place(engine, key, tmp_path)


def decided(at: Place) -> None:
    with unit_of_work(at.engine, at.key) as session:
        Decisions(session, at.key).store(decision_of(at.key), [approval_of(at.key)])


def ordered(at: Place) -> None:
    decided(at)
    id = order_id(at.key.track, "p BTC", OrderKind.LIMIT, 0)
    with unit_of_work(at.engine, at.key) as session:
        told = Instruction(id, "BTC/USD", OrderKind.LIMIT, 1000, 600_000, 570_000)
        OrderBook(session, at.key).open(
            NOW, told, Event(What.SENT, NOW, deadline=NOW + timedelta(seconds=10))
        )


def ended(at: Place) -> None:
    common = {"asof": NOW, "reason": "", "settled": 1, "ended": NOW}
    at.add(
        Hour(track=at.key.track, outcome=DONE, portfolios=1, **common),
        PortfolioHour(**at.key._asdict(), outcome="NO_CHANGE", fills=0, **(common | {"settled": True})),
    )


def staged(at: Place) -> None:
    at.add(Stage(track=at.key.track, asof=NOW, stage="fetch", reference=DIGEST, summary="{}", at=NOW))


def marked(at: Place) -> None:
    money = dict.fromkeys(("equity", "units", "cash", "peak", "lifetime_peak"), 10**11)
    zero = dict.fromkeys(("exposure", "positions", "flow", "tier", "triggers", "halt_epoch"), 0)
    at.add(Mark(**at.key._asdict(), asof=NOW, state=ACTIVE, halt="", at=NOW, **money, **zero))


def proved(at: Place) -> None:
    digests = {"decision": DIGEST, "state": DIGEST}
    decided(at)
    at.add(Proof(**at.key._asdict(), asof=NOW, held=True, note="", at=NOW, **digests))


def compared(at: Place) -> None:
    with unit_of_work(at.engine, at.key) as session:
        Reconciliations(session, at.key).store(NOW, {"USD": 5}, {"USD": 3})


def paid(at: Place) -> None:
    with unit_of_work(at.engine, at.key) as session:
        Journal(session, at.key).post(flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 5))


def tripped(at: Place) -> None:
    states = TradingStates(at.engine, Noon())
    states.open(*at.key, ACTIVE, "first start")
    states.record(*at.key, Told("t1", TRIPPED, "guard", "drawdown", OPEN, HALT))


def reviewed(at: Place) -> None:
    tripped(at)
    states = TradingStates(at.engine, Noon())
    states.record(*at.key, Told("a1", APPROVE, "ben", "seen", HALT, HALT, halt="halt-1"))
    states.record(*at.key, Told("r1", REFUSED, "eve", "let me", HALT, HALT, halt="halt-9", refusal="no"))


def signed_in(at: Place) -> None:
    access = Access(at.engine, lambda: NOW, record)
    name = at.key.track
    access.add_user(name, Role.OPERATOR, ("p",), PASSWORD, by="test")
    secret = access.sign_in(name, PASSWORD, "192.0.2.1").secret
    with pytest.raises(Refused):
        access.sign_in(name, "wrong", "192.0.2.1")
    access.sign_out(secret)


def carried(at: Place) -> None:
    carry(at.engine, at.key.track, lambda: PROMOTIONS)


def configured(at: Place) -> None:
    config = {"predictor": "cash", "digest": DIGEST, "document": "{}"}
    at.add(Mandate(**at.key._asdict(), asof=NOW, **config))
    carried(at)


def filed(kind: Kind) -> Callable[[Place], None]:
    def file(at: Place) -> None:
        with unit_of_work(at.engine) as session:
            enter(session, at.objects, at.key.track, kind, b"what happened", {"by": "ada"})

    return file


def watched(at: Place) -> None:
    configured(at)
    monitors = Monitors(at.engine, at.folder, at.objects.read, lambda _: release(), Noon())
    bad = Monitor("drift of p24", Level.ALERT, 0.4, "alert above 0.25")
    monitors.act(at.key, Look(NOW, (bad,), Action.LOG))


def sealed(at: Place) -> None:
    paid(at)
    keys = at.folder / "audit"
    seal(at.engine, at.key.track, signing_key(keys), FolderAnchor(keys / "anchor"), NOW)


def rotated(at: Place) -> None:
    sealed(at)
    rotate([at.engine], at.folder / "audit", NOW)


def restored(at: Place) -> None:
    sealed(at)
    declare(at.engine, FolderAnchor(at.folder / "audit" / "anchor"), "20260301T120000Z", NOW)


DONE_BY: dict[Kind, Callable[[Place], None]] = {
    Kind.DECISION: decided,
    Kind.VERDICT: decided,
    Kind.ORDER_EVENT: ordered,
    Kind.OUTCOME: ended,
    Kind.STAGE: staged,
    Kind.STATE: marked,
    Kind.PROOF: proved,
    Kind.RECONCILIATION: compared,
    Kind.MONEY: paid,
    Kind.HALT_STATE: tripped,
    Kind.HALT: tripped,
    Kind.APPROVAL: reviewed,
    Kind.REFUSAL: reviewed,
    Kind.ACCOUNT: signed_in,
    Kind.PROMOTION: carried,
    Kind.CONFIGURATION: configured,
    Kind.STRUCTURE: carried,
    Kind.HISTORY: filed(Kind.HISTORY),
    Kind.REPORT: filed(Kind.REPORT),
    Kind.INCIDENT: filed(Kind.INCIDENT),
    Kind.MONITOR: watched,
    Kind.CHECKPOINT: sealed,
    Kind.RESTORE: restored,
    Kind.KEY: rotated,
}


def test_no_kind_is_left_out() -> None:
    assert set(DONE_BY) == set(Kind)


@pytest.mark.parametrize("told_as", Kind)
def test_what_is_done_is_in_the_log_and_every_byte_of_it_is_bound(place: Place, told_as: Kind) -> None:
    DONE_BY[told_as](place)
    told = place.told()
    mine = [entry for entry in told if entry.kind == told_as]
    assert mine
    trusted = _keys(place)
    assert verify(place.key.track, told, trusted).fault is None
    for entry in mine:
        for at in range(len(entry.body)):
            body = bytes([*entry.body[:at], entry.body[at] ^ 1, *entry.body[at + 1 :]])
            forged = [one if one != entry else entry._replace(body=body) for one in told]
            fault = verify(place.key.track, forged, trusted).fault
            assert fault is not None
            assert fault.seq == entry.seq


def test_signing_in_failing_and_signing_out_are_told_with_the_name_and_no_secret(place: Place) -> None:
    signed_in(place)
    told = [json.loads(entry.body) for entry in place.told()]
    assert [one["event"] for one in told] == ["user-added", "sign-in", "sign-in-failed", "sign-out"]
    assert all(PASSWORD.encode() not in entry.body for entry in place.told())


def test_a_promotion_and_its_rollback_are_carried_once_in_their_order(place: Place) -> None:
    assert carry(place.engine, place.key.track, lambda: PROMOTIONS[:1]) == 3
    assert carry(place.engine, place.key.track, lambda: PROMOTIONS) == 2
    assert carry(place.engine, place.key.track, lambda: PROMOTIONS) == 0
    told = [json.loads(entry.body) for entry in place.told() if entry.kind == Kind.PROMOTION]
    assert [(one["number"], one["action"], one["who"]) for one in told] == [
        (1, "promote", "ada"),
        (2, "promote", "ada"),
        (3, "rollback", "ben"),
    ]


@pytest.mark.parametrize("rewritten", [PROMOTIONS[:1], [*PROMOTIONS[:2], PROMOTIONS[0]]])
def test_a_record_of_promotions_that_was_rewritten_is_noticed(
    place: Place, rewritten: list[dict[str, object]]
) -> None:
    carried(place)
    with pytest.raises(InvariantError, match=r"promotion 3 .* write an incident"):
        carry(place.engine, place.key.track, lambda: rewritten)


def test_changed_configuration_and_changed_structure_are_told_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried(place)
    monkeypatch.setattr("adapters.audit.carried.configuration", lambda: b'{"reviewed":{"x":"1"}}')
    monkeypatch.setattr("adapters.audit.carried.structure", lambda: b'{"fingerprints":{}}')
    carried(place)
    carried(place)
    kinds = [entry.kind for entry in place.told()]
    assert (kinds.count(Kind.CONFIGURATION), kinds.count(Kind.STRUCTURE)) == (2, 2)


def test_the_fingerprints_told_are_those_that_governance_checks(place: Place) -> None:
    from cli import structure

    carried(place)
    (told,) = [json.loads(entry.body) for entry in place.told() if entry.kind == Kind.STRUCTURE]
    recorded = structure.recorded()
    assert told["fingerprints"] == {name: structure.fingerprint(facts) for name, facts in recorded.items()}
    assert len(told["sources"]) == 64


def _keys(place: Place) -> list[str]:
    file = place.folder / "audit" / "public.keys"
    return file.read_text().split()[:1] if file.exists() else []
