"""Hours for a proof to be tried on: the busiest of a recorded track, and the same moved onto the edges of
every rule, so that a change of a rule shows in some of them.
"""

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from adapters.reconstruction.source import Source
from adapters.reconstruction.told import Told
from config import trading
from trading.clock import TradingHour
from trading.execution.protocol import Kind, Trade
from trading.live.again import Testimony, Word, decide_again
from trading.live.desk import Desk
from trading.live.documents import dump_mandate, parse_mandate, parse_state
from trading.live.flows import Flow
from trading.live.machines import PLAIN
from trading.live.sight import Advice
from trading.live.values import Approved, Booked, Ticket
from trading.portfolio import PortfolioState, Signal
from trading.records import Flag

HOURS, SEED = 25, 7


@dataclass(frozen=True)
class Case:
    """One hour of a portfolio, with fills of it."""

    desk: Desk
    ticket: Ticket
    before: PortfolioState
    said: Testimony
    approvals: dict[int, dict[str, Approved]]
    fills: tuple[Booked, ...]


def recorded_cases(source: Source, hours: Sequence[TradingHour]) -> list[Case]:
    """The busiest recorded hours, as they were."""
    cases: list[Case] = []
    kept: dict[int, dict[str, Approved]] = {}
    state = source.inputs.state
    rebuilder, settled = source.rebuilder(PLAIN), source.inputs.began
    for rebuilt in rebuilder.through(hours[-1]):
        desk, _ = source.market.at(rebuilt.hour, source.inputs.predictors(rebuilt.hour))
        told = Told(source.inputs, source.market.replies, source.market.bars.catalogue, settled, desk)
        ticket, said = source.inputs.ticket(rebuilt.hour), told.testimony(kept)
        before = parse_state(state, desk.names)
        decided = decide_again(desk, ticket, deepcopy(before), said, kept, PLAIN)
        past, kept = kept, {settled.number: {}, rebuilt.hour.number: decided.approved(desk.names)}
        fills = tuple(fill for fill in told.booked(kept) if told.is_of_hour(fill.trade))
        cases.append(Case(desk, ticket, before, said, dict(past), fills))
        state, settled = rebuilt.state, rebuilt.hour
    busy = sorted(cases, key=lambda case: -len(case.fills) - bool(case.said.late))
    return busy[:HOURS]


def edge_cases(cases: Sequence[Case], count: int) -> list[Case]:
    """The same hours with something moved onto the edge of a rule, several things at a time."""
    draw = random.Random(SEED)
    made: list[Case] = []
    while len(made) < count:
        case = deepcopy(draw.choice(cases))
        for move in draw.sample(MOVES, draw.randint(1, 4)):
            case = move(case, draw)
        made.append(filled(case, draw))
    return made


def filled(case: Case, draw: random.Random) -> Case:
    """Balances that agree (or by one do not), and fills that any order may bring."""
    account, places = case.before.account, enumerate(case.desk.instruments)
    both = zip(case.desk.instruments, case.before.positions, strict=True)
    look = {instrument.base: position.lots + position.dust for instrument, position in both}
    look[case.desk.instruments[0].quote] = account.cash + (draw.random() < 0.05)
    for flow in case.said.flows:
        look[flow.asset] = look.get(flow.asset, 0) + flow.amount
    fills = []
    for a, instrument in places:
        position = case.before.positions[a]
        if draw.random() < 0.3 and case.desk.sight.view.readings[a].close > 0:
            held = position.lots + position.dust
            moved = any(flow.asset == instrument.base for flow in case.said.flows)
            sells = held > 0 and draw.random() < 0.6 and not moved
            least = instrument.order_min_lots
            lots = -draw.choice((held, max(1, held // 2), max(1, held - least))) if sells else least + 5
            kind = draw.choice((Kind.LIMIT, Kind.MARKET, Kind.STOP)[: 3 if sells else 2])
            at = case.desk.hour.asof + timedelta(minutes=draw.choice((0, 2, 30, 55)))
            ticks, value = case.desk.sight.view.readings[a].close, draw.randint(10**6, 10**9)
            trade = Trade(f"T{a}", f"O{a}", instrument.name, lots, ticks, value, value // 250, True, at)
            fills.append(Booked(trade, kind, a, case.desk.hour.asof))
    said = case.said._replace(looks=[look], late=[])
    return replace(case, said=said, fills=tuple(fills))


def _ruled(case: Case) -> Any:
    """The configuration that a case is under."""
    return parse_mandate(case.ticket.document)[0]


def _reading(case: Case, draw: random.Random) -> Case:
    """Predictions and gates at, and one step beside, their thresholds."""
    rules, view = _ruled(case).strategy, case.desk.sight.view
    for reading in draw.sample(list(view.readings), 5):
        step = draw.choice((0.0, 1e-12, -1e-12, 0.05, -0.05, 0.2))
        reading.p24 = draw.choice((rules.p24_enter, rules.p24_reverse, 0.6)) + step
        reading.p4 = draw.choice((rules.p4_enter, 0.6, 0.4)) + draw.choice((0.0, 1e-12, -1e-12))
        reading.e24 = draw.choice((0.002, 0.011, 0.02, 0.05))
        reading.e_hold = draw.choice((reading.e24, 0.02, 0.1, 0.0121))
        reading.eligible, reading.usable = int(draw.random() < 0.9), int(draw.random() < 0.9)
        reading.veto = draw.choice((0, 0, 0, 1, 2, 4))
        reading.sigma_24 = draw.choice((reading.sigma_24, 0.0, 0.01, 0.05, rules.sigma_reference, 0.2))
        reading.close = draw.choice((reading.close, reading.close, 0))
        reading.traded = draw.choice((0, 1, 1, 1))
        reading.cluster, reading.beta_ppm = draw.choice((0, 1, 2)), draw.choice((0, 10**6, 2_000_000))
    return case


def _market(case: Case, draw: random.Random) -> Case:
    """Triggers at their thresholds."""
    market, config = case.desk.sight.view.market, _ruled(case)
    switch, nudge = config.kill_switch, draw.choice((0.0, 1e-12, -1e-12))
    market.btc_sigma_1h = draw.choice((0.01, 0.02, 0.0))
    edges = (-switch.btc_fall, switch.btc_sigmas * market.btc_sigma_1h, 0.001)
    market.btc_return = draw.choice(edges) + nudge
    market.btc_volatility_percentile = draw.choice((switch.volatility_percentile, 0.5, 1.0)) + nudge
    market.p_crash = draw.choice((config.strategy.p_crash_max, 0.0, 0.9)) + nudge
    market.p_high_volatility = draw.choice((0.0, 0.3, 1.0))
    market.refused, market.missed = draw.choice((0, 0, 1, 2)), draw.choice((0, 0, 0, 0, 1))
    return case


def _account(case: Case, draw: random.Random) -> Case:
    """Drawdown at each tier's beginning and end, to the last unit."""
    account, limits = case.before.account, _ruled(case).limits
    for position in case.before.positions:
        if draw.random() < 0.5:
            account.cash += position.cost
            position.lots = position.dust = position.cost = 0
    whole = account.cash // 100_000
    worth = account.cash + account.exposure
    if not any(position.lots for position in case.before.positions):
        account.cash = worth = whole * 1_000
        pct = draw.choice((limits.drawdown_small_pct, limits.drawdown_large_pct, limits.drawdown_halt_pct))
        pct -= draw.choice((0, limits.drawdown_hysteresis_pct))
        account.peak = account.lifetime_peak = worth * 100 // (100 - pct) + draw.choice((-1, 0, 1))
        account.cash = account.peak * (100 - pct) // 100 + draw.choice((0, 0, 1))
    account.tier = draw.choice((0, 1, 2, 3))
    account.halted = draw.choice((0, 0, 1)) if account.tier < 3 else 1
    account.halt_hour = case.desk.hour.number - draw.choice((0, 1, 5))
    account.halt_epoch = draw.choice((0, 1, 2))
    for name in ("move_clear_h", "volatility_clear_h", "data_clear_h"):
        setattr(account, name, draw.choice((0, 0, 1, 2, 3)))
    return case


def _positions(case: Case, draw: random.Random) -> Case:
    """Holdings whose exits are due, or due in an hour; some beyond the caps."""
    rules, hour = _ruled(case).strategy, case.desk.hour.number
    readings = case.desk.sight.view.readings
    for a, instrument in enumerate(case.desk.instruments):
        position, close = case.before.positions[a], readings[a].close
        if close <= 0 or draw.random() < 0.5:
            continue
        lots = instrument.order_min_lots * draw.choice((1, 2, 50, 400, 3_000)) + draw.choice((0, 1))
        position.lots, position.dust = lots, draw.choice((0, 0, 1))
        position.cost = lots * close * instrument.multiplier // instrument.divisor
        position.entry = close + draw.choice((-close // 50, 0, close // 50))
        position.stop = max(1, close * 9 // 10)
        position.take = close + draw.choice((-1, 0, 1, close // 10))
        position.trail = draw.choice((0, close // 100, close // 50))
        position.peak = close + draw.choice((0, position.trail, position.trail + 1, close // 20))
        age = draw.choice((rules.hold_min_h, rules.hold_max_h, rules.hold_extended_h, 0, 1))
        position.since = hour - age - draw.choice((-1, 0, 1))
        position.reversal = draw.choice((0, rules.reversal_h - 1, rules.reversal_h, 1))
        position.extended, position.channel = draw.choice((0, 1)), draw.choice((0, 1, 3, 7))
        position.mark = close
        position.silent = draw.choice((0, 0, _ruled(case).execution.delist_h - 1))
    for position in case.before.positions:
        position.cooldown = hour + draw.choice((-1, 0, 1))
    return case


def _word(case: Case, draw: random.Random) -> Case:
    """Every word of the guard."""
    epoch = draw.choice((0, 1, 2, 3))
    state = draw.choice(("ACTIVE", "REDUCING", "HALTED", "HALTED"))
    halt = f"{draw.choice(('halt', 'flatten'))}-{epoch}" if state == "HALTED" else ""
    return replace(case, said=case.said._replace(word=Word(state, epoch, halt)))


def _policy(case: Case, draw: random.Random) -> Case:
    """A benchmark's signals in place of predictions."""
    signals = [
        Signal(
            Flag(draw.choice((0, 1))),
            Flag(draw.choice((0, 1))),
            draw.choice((0.0, 0.02, 0.066, 0.2)),
            draw.random(),
            draw.choice((0.0, 0.15)),
            draw.choice((0.0, 0.1)),
            Flag(draw.choice((0, 1))),
            Flag(draw.choice((0, 1, 2, 4, 7))),
            Flag(draw.choice((0, 1, 2, 4, 7))),
        )
        for _ in case.desk.instruments
    ]
    advice = Advice(draw.choice((0, 1, 2)), draw.choice((0, 1)), draw.choice((0, 1, 1)), signals)
    sight = case.desk.sight._replace(advice={case.ticket.predictor: advice})
    return replace(case, desk=case.desk._replace(sight=sight))


def _lively(case: Case, draw: random.Random) -> Case:
    """Other fees and limits."""
    config = trading.load(draw.choice(("mission", "kraken-2026-07")))
    limits = config.limits._replace(
        exposure_entry_ppm=draw.choice((config.limits.exposure_entry_ppm, 40_000)),
        positions_max=draw.choice((config.limits.positions_max, 2)),
    )
    document = dump_mandate(config._replace(limits=limits), 0)
    return replace(case, ticket=case.ticket._replace(document=document))


def _flows(case: Case, draw: random.Random) -> Case:
    """Money and coins that come and go, up to all there is and beyond it."""
    cash, quote = case.before.account.cash, case.desk.instruments[0].quote
    some = draw.sample(list(zip(case.desk.instruments, case.before.positions, strict=True)), 2)
    coins = [
        Flow(f"L{n}", i.base, draw.choice((p.lots, 7, -p.lots, -p.dust, -1)), is_income=draw.random() < 0.3)
        for n, (i, p) in enumerate(some)
    ]
    amount = draw.choice((10**10, 12_345_678_901, -cash, -cash - 1, -cash // 3, 1))
    money = Flow("LM", quote, amount, is_income=draw.random() < 0.3)
    flows = [flow for flow in (money, *coins) if flow.amount and draw.random() < 0.7]
    return replace(case, said=case.said._replace(flows=flows))


def _quiet(case: Case, draw: random.Random) -> Case:
    """An hour in which nobody trades, or one instrument does."""
    one = draw.randrange(len(case.desk.instruments) + 1)
    delist_h = _ruled(case).execution.delist_h
    for a, reading in enumerate(case.desk.sight.view.readings):
        reading.traded = int(a == one)
        case.before.positions[a].silent = draw.choice((delist_h - 1, delist_h, 0))
    return case


def _wanted(case: Case, draw: random.Random) -> Case:
    """Instruments that every gate lets in."""
    case.desk.sight.view.market.refused = case.desk.sight.view.market.missed = 0
    case.desk.sight.view.market.p_crash = 0.0
    for reading in draw.sample(list(case.desk.sight.view.readings), 6):
        reading.eligible = reading.usable = 1
        reading.veto, reading.cluster, reading.p24, reading.p4 = 0, draw.choice((0, 1, 2)), 0.9, 0.9
        reading.e24 = reading.e_hold = draw.choice((0.03, 0.05, 0.05))
        reading.sigma_24 = draw.choice((0.02, 0.04, 0.04))
        reading.notional_24h = draw.choice((0, 10**9, 10**12, 10**15))
    return case


MOVES = (
    *(_flows, _flows, _quiet, _wanted, _wanted, _reading, _reading, _market),
    *(_account, _positions, _positions, _word, _policy, _lively),
)
