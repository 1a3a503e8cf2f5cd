"""Hours of a portfolio in a small world: every amount is a handful of units and every score one of a handful,
so that numbers meet thresholds exactly, and miss them by one, all the time.

A world is scaled up now and then, so that products leave 64 bits. All of it follows from a seed.
"""

import random
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta

from benchmarks.divergences.world import HOUR, NAN, REVIEWED, TINY, World, config_of, instrument_of
from trading.clock import TradingHour
from trading.execution.protocol import Kind, Trade
from trading.instruments import Instrument
from trading.live.again import Testimony, Word
from trading.live.desk import Desk
from trading.live.documents import dump_mandate
from trading.live.flows import Flow
from trading.live.sight import Advice, Sight
from trading.live.values import Approved, Booked, Ticket
from trading.policies.benchmarks import HOLD_WEIGHT
from trading.portfolio import Account, Market, PortfolioState, Position, Reading, Signal, View
from trading.records import Flag

POLICY, RELEASE = "policy", "champion"


@dataclass(frozen=True)
class Case:
    """One hour of a portfolio, with fills of it."""

    desk: Desk
    ticket: Ticket
    before: PortfolioState
    said: Testimony
    approvals: dict[int, dict[str, Approved]]
    fills: tuple[Booked, ...]


def cases(count: int, seed: int) -> list[Case]:
    """The first `count` hours of a seed."""
    draw = random.Random(seed)
    return [crowded(_case(draw), draw) if draw.randrange(12) == 0 else _case(draw) for _ in range(count)]


def crowded(case: Case, draw: random.Random) -> Case:
    """The hour with as many names as there may be, once some that are held were added to and some entered."""
    positions = draw.choice((2, 3))
    limits = dict.fromkeys(("exposure_entry_ppm", "exposure_hard_ppm", "name_ppm", "cluster_ppm"), 1_000_000)
    loose = REVIEWED.limits._replace(**limits, beta_ppm=9_000_000, cut_margin_ppm=0, positions_max=positions)
    costs = REVIEWED.execution._replace(entry_offset_ppm=0, fallback_slip_max_ppm=0)
    config = REVIEWED._replace(limits=loose, execution=costs)
    places = list(range(len(case.desk.instruments)))
    draw.shuffle(places)
    names = case.desk.sight.instruments
    instruments = [Instrument(name, 1, 0, 1, 0) for name in names]
    state = PortfolioState.opening(1_000, len(names))
    market = replace(
        case.desk.sight.view.market, missed=0, refused=0, btc_return=0.0, btc_volatility_percentile=0.0
    )
    readings = [
        replace(r, close=2, usable=1, eligible=1, notional_24h=1 << 40) for r in case.desk.sight.view.readings
    ]
    for a in places[: positions - 1]:
        position = state.positions[a]
        position.lots, position.mark, position.cost, position.silent = draw.choice((1, 1, 2)), 2, 2, 0
    signals = [
        Signal(Flag(1), Flag(0), 0.1, draw.random(), 0.0, 0.0, Flag(1), Flag(0), Flag(0)) for _ in names
    ]
    sight = Sight(names, View(market, readings), "", {POLICY: Advice(HOLD_WEIGHT, 0, 1, signals)})
    desk = Desk(HOUR, "view", sight, instruments)
    look = {i.base: p.lots for i, p in zip(instruments, state.positions, strict=True)} | {"USD": 1_000}
    said = Testimony([], [], [look], Word("ACTIVE", 0, ""))
    return Case(desk, Ticket(POLICY, "digest", dump_mandate(config, 0)), state, said, {}, ())


def _case(draw: random.Random) -> Case:
    feast = draw.randrange(3) == 0
    scale = draw.choice((1, 1, 1, 1, 1, 7, 1_000, 1 << 33))
    names = ("BTC/USD", "ADA/USD", "ETH/USD", "SOL/USD", "XRP/USD")[
        : 5 if feast else draw.choice((2, 3, 4, 5))
    ]
    instruments = [instrument_of(draw, name, scale, feast) for name in names]
    dear, flat = draw.choice((1, 1, 1, 1_000)), draw.randrange(5) == 0
    world = World(draw, config_of(draw), instruments, scale, dear, flat, feast)
    state = _state(world)
    if feast or world.chance(3):
        _calm(state)
    view = View(_market(world), [_reading(world, state, a) for a in range(len(names))])
    policy = world.chance(2)
    advice = {POLICY: _advice(world)} if policy else {}
    desk = Desk(HOUR, "view", Sight(tuple(names), view, "", advice), instruments)
    document = dump_mandate(world.config, 0)
    ticket = Ticket(POLICY if policy else RELEASE, "digest", document)
    past = {HOUR.number - 1: _approved(world), HOUR.number - 2: _approved(world), HOUR.number: {}}
    late = _fills(world, state, HOUR.number - 1) if world.chance(8) else []
    fills = _fills(world, state, HOUR.number) if world.chance(2) else []
    said = _testimony(world, state, desk, late)
    return Case(desk, ticket, state, said, past, tuple(fills))


def _market(world: World) -> Market:
    some = world.some
    mood = world.chance(8 if world.feast else 3)
    return Market(
        hour=HOUR.number,
        missed=int(world.chance(40)),
        refused=0 if world.feast else some(0, 0, 0, 0, 0, 0, 0, 0, 1, 2),
        flow=0,
        btc_return=some(-0.25, -0.5, 0.25, 0.5, 1.0, -TINY, NAN) if mood else 0.0,
        btc_sigma_1h=some(0.125, 0.25, 0.5, 0.0, TINY, NAN) if mood else 0.25,
        btc_volatility_percentile=some(0.5, 0.75, 0.25, NAN) if mood else 0.25,
        p_crash=some(0.0, 0.25, 0.5, 0.75, NAN) if mood else some(0.0, 0.5),
        p_high_volatility=some(0.0, 0.0, 0.5, 1.0),
    )


def _reading(world: World, state: PortfolioState, a: int) -> Reading:
    """Gates mostly open, each shut or met exactly now and then."""
    some, position, feast = world.some, state.positions[a], world.feast
    close = position.mark + some(-1, 0, 0, 1, 2) if position.mark else _price(world)
    e24 = some(1.0, 2.0, 2.0, 3.0) if feast else some(-0.25, 0.0, 0.25, 1.0, 2.0, 2.0)
    return Reading(
        close=0 if world.chance(20) else max(close, 0),
        traded=int(not world.chance(3)),
        usable=int(not world.chance(15)),
        eligible=int(not world.chance(15)),
        cluster=world.draw.randrange(min(2, len(world.instruments))),
        beta_ppm=some(1_000_000, 1_000_000, 2_000_000, 500_000, 0, 1, -500_000, -1),
        notional_24h=(1 << 40 if feast else some(0, 1, 2, 10, 40, 1_000, 1_000_000)) * world.scale,
        veto=0 if feast else some(0, 0, 0, 0, 0, 0, 0, 1, 2, 5),
        sigma_1h=some(0.0, 0.0, 0.25, 0.5, NAN),
        sigma_24=some(*(0.25, 0.5, 1.0) * 5, 0.0, TINY, NAN),
        spread=some(*(0.0, 0.0, 0.125) * 4, NAN),
        p4=some(0.5, 0.75, 0.75, 0.25, NAN) if world.chance(3) and not feast else 0.75,
        p24=some(0.5, 0.75, 0.25, NAN) if world.chance(2) and not feast else 0.75,
        e24=NAN if world.chance(30) else e24,
        e_hold=4.0 if feast else some(e24, 0.125, 0.25, 0.5, 1.0, 2.0, 2.0),
    )


def _advice(world: World) -> Advice:
    some = world.some
    signals = [
        Signal(
            Flag(some(0, 1, 1)),
            Flag(int(world.chance(5))),
            some(0.0, 0.25, 0.5, 0.5, 1.0),
            some(0.0, 0.5, 1.0, 1.0),
            some(0.0, 0.25, 0.5, TINY),
            some(0.0, 0.25, 0.5, TINY),
            Flag(some(0, 1, 1)),
            Flag(some(0, 0, 1, 2, 4, 7)),
            Flag(some(0, 0, 1, 2, 4, 7)),
        )
        for _ in world.instruments
    ]
    return Advice(some(0, 1, 2), some(0, 0, 1), some(0, 1, 1, 1), signals)


def _state(world: World) -> PortfolioState:
    """Some holdings of a few lots, and an account that is near one of its tiers."""
    some, limits = world.some, world.config.limits
    positions = [_position(world, instrument) for instrument in world.instruments]
    cash = (
        some(0, 1, 2, 3, 4, 10, 20, 40, 100, 100, 200, 400, 1_000)
        * world.scale
        * (world.dear if world.feast else 1)
    )
    worth = cash + sum(
        p.mark * (p.lots + p.dust) * i.multiplier // i.divisor
        for p, i in zip(positions, world.instruments, strict=True)
    )
    fallen = some(0, 0, 0, limits.drawdown_small_pct, limits.drawdown_large_pct, limits.drawdown_halt_pct)
    fallen = max(0, fallen - some(0, 0, limits.drawdown_hysteresis_pct))
    peak = max(0, -(-worth * 100 // (100 - fallen)) + some(-1, 0, 0, 1))
    tier = some(0, 0, 0, 1, 2, 2, 3)
    halted = some(0, 0, 0, 0, 0, 0, 1, 2)
    epoch = some(0, 1, 2)
    account = Account(
        cash=cash,
        equity=worth,
        exposure=0,
        positions=0,
        units=some(worth, 3 * world.scale),
        peak=peak,
        lifetime_peak=peak + some(0, 0, 1),
        tier=tier if tier < 3 else 3 * (halted > 0),
        halted=halted,
        halt_epoch=epoch,
        halt_hour=HOUR.number - some(0, 0, 1, 2, 5),
        move_clear_h=some(*[0] * 9, 1, 2, 3),
        volatility_clear_h=some(*[0] * 9, 1, 2, 3),
        data_clear_h=some(*[0] * 9, 1, 2, 3),
        unreconciled=some(0, 0, 0, 1),
    )
    return PortfolioState(account, positions)


def _calm(state: PortfolioState) -> None:
    """Nothing stands against entries but what they cost."""
    account = state.account
    account.tier = account.halted = account.unreconciled = 0
    account.move_clear_h = account.volatility_clear_h = account.data_clear_h = 0
    account.peak = account.lifetime_peak = min(account.peak, account.equity)
    for position in state.positions:
        position.cooldown = 0


def _position(world: World, instrument: Instrument) -> Position:
    """Nothing, dust, or a holding whose exits are due, nearly due, or far."""
    some, rules, hour = world.some, world.config.strategy, HOUR.number
    least, mark = instrument.order_min_lots, _price(world)
    lots = least * some(0, 0, 0, 0, 0, 0, 1, 2, 3, 8, 30) + some(0, 0, 1) if not world.flat else 0
    held = lots >= least
    dust = (some(0, 0, 0, 1, least - 1) if not held else some(0, 0, 0, 1)) * (not world.flat)
    entry = max(1, mark + some(-2, -1, 0, 1))
    trail = some(0, 1, 2, 3)
    return Position(
        lots=lots if held else 0,
        dust=max(0, dust),
        mark=0 if world.chance(20) and not held else mark,
        entry=entry if held else 0,
        stop=max(0, entry - 2) if held else 0,
        take=max(0, mark + some(-1, 0, 1, 2)) * some(0, 1, 1) if held else 0,
        trail=trail if held else 0,
        peak=entry + trail + some(-1, 0, 1, 3) if held else 0,
        since=hour - some(0, 1, 2, 3, 4, 5, 6, 7) if held else 0,
        reversal=some(0, 0, rules.reversal_h - 1, rules.reversal_h) if held else 0,
        cooldown=some(0, 0, 0, hour, hour + 1, hour - 1),
        extended=some(0, 1) if held else 0,
        cost=world.draw.randint(0, 40) * world.scale if held or dust else 0,
        channel=some(0, 0, 1, 2, 4, 7),
        silent=some(0, 0, 1, 2, 3, 4),
    )


def _price(world: World) -> int:
    """In ticks."""
    return world.draw.randint(1, 12) * world.dear


def _approved(world: World) -> dict[str, Approved]:
    draw = world.draw
    return {
        i.name: Approved(1, draw.randint(1, 12), draw.randint(0, 6), draw.choice((0, 9)), draw.randint(0, 3))
        for i in world.instruments
    }


def _fills(world: World, state: PortfolioState, hour: int) -> list[Booked]:
    """Trades that any order may bring, sales of a part and of all, several of one instrument."""
    fills: list[Booked] = []
    for a, instrument in enumerate(world.instruments):
        held, least = state.positions[a].lots + state.positions[a].dust, instrument.order_min_lots
        for n in range(world.some(0, 0, 0, 1, 2)):
            sells = held > 0 and world.chance(2)
            part = world.some(held, held, 1, held - least, held - least + 1)
            lots = -min(max(part, 1), held) if sells else world.some(least, least, 1, 5 * least)
            lots = 0 if held and world.chance(12) else lots
            held += lots
            kind = (
                world.some(Kind.LIMIT, Kind.MARKET, Kind.STOP)
                if sells
                else world.some(Kind.LIMIT, Kind.MARKET)
            )
            at = TradingHour(hour).asof + timedelta(
                minutes=world.some(0, 2, 30, 30, 30, 59), seconds=world.some(0, 0, 59.5)
            )
            ticks, value = world.draw.randint(1, 12), world.draw.randint(1, 40) * world.scale
            id = f"T{world.draw.randrange(1_000)}-{a}{n}"
            asof = TradingHour(hour - world.some(0, 0, 1) * (hour < HOUR.number)).asof
            trade = Trade(id, f"O{a}", instrument.name, lots, ticks, value, value // 8, world.chance(2), at)
            fills.append(Booked(trade, kind, world.some(a, 5 - a), asof))
    return fills


def _testimony(world: World, state: PortfolioState, desk: Desk, late: list[Booked]) -> Testimony:
    """Balances that agree, or do not by a unit; flows up to all there is and beyond it."""
    flows = _flows(world, state) if world.chance(4) and not desk.is_missed else []
    look = {}
    for instrument, position in zip(world.instruments, state.positions, strict=True):
        held = (
            position.lots
            + position.dust
            + sum(f.trade.lots for f in late if f.trade.instrument == instrument.name)
        )
        held += sum(flow.amount for flow in flows if flow.asset == instrument.base)
        if held or world.chance(2):
            look[instrument.base] = held
    paid = sum(f.trade.value * (1 if f.trade.lots > 0 else -1) + f.trade.fee for f in late)
    look["USD"] = state.account.cash - paid + sum(flow.amount for flow in flows if flow.asset == "USD")
    looks = [look]
    if world.chance(6):
        wrong = deepcopy(look)
        name = world.some(*wrong)
        wrong[name] += world.some(-1, 1)
        if world.chance(3):
            del wrong[name]
        looks = world.some([wrong, look], [look, wrong], [wrong, wrong], [wrong], [wrong, wrong, look])
    return Testimony(late, flows, looks, _word(world, state))


def _flows(world: World, state: PortfolioState) -> list[Flow]:
    cash, flows = state.account.cash, []
    if world.chance(2):
        amount = world.some(
            1, 1, -1, 10 * world.scale, -cash, -cash - 1, 1 - cash, 7 * world.scale, -cash // 3
        )
        flows.append(Flow("LM", "USD", amount, world.chance(3)))
    for a in range(world.some(0, 1, 1, 2)):
        p, least = state.positions[a], world.instruments[a].order_min_lots
        amount = world.some(
            1, -1, 3, -p.lots - p.dust, -p.dust, -p.dust - 1, -p.dust - p.lots + least, -p.lots // 2
        )
        flows.append(Flow(f"L{a}", world.instruments[a].base, amount, world.chance(3)))
    if world.chance(6):
        flows.append(Flow("LX", "DOGE", 5, is_income=False))
    return [flow for flow in flows if flow.amount]


def _word(world: World, state: PortfolioState) -> Word:
    """What the guard answers: mostly what the account says itself."""
    account = state.account
    halt = world.some("halt", "flatten")
    if world.chance(2):
        word = "HALTED" if account.halted else world.some("ACTIVE", "ACTIVE", "REDUCING")
        return Word(word, account.halt_epoch, f"{halt}-{account.halt_epoch}" if account.halted else "")
    epoch = account.halt_epoch + world.some(0, 0, 1, 1, 2)
    if account.halted and world.chance(2):
        return Word("ACTIVE", account.halt_epoch + 1, "")
    word = world.some("ACTIVE", "ACTIVE", "REDUCING", "HALTED")
    return Word(word, epoch, f"{halt}-{epoch}" if word == "HALTED" else "")
