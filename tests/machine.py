"""Drives the decision core through a drawn world and checks, in the loop, what must never happen.

Everything drawn is read from a tape of integers: filled by a seeded splitmix64 for sweeps, by Hypothesis in
small; a tape of zeroes is a calm market. All of it is in the numba subset and runs compiled and plain alike,
and stays in this one file, whose changes alone the disk cache of compiled code would notice. The checks
compute with sums of their own and use nothing of `trading.risk` but what they check.
"""

import numpy as np
from numpy.typing import NDArray

from tests.world import World
from trading.backtest.step import Books, Rules, fill_hour, open_hour
from trading.codes import (
    BLOCKING,
    BREACHES,
    DENIED,
    FILL_DELIST,
    FILL_STOP,
    FILL_STOP_GAP,
    FLATTENING,
    KEPT,
    MISSED,
    SHRUNK,
)
from trading.hour import PREDICTIONS
from trading.money import PPM, fee
from trading.portfolio import Ints, Signal, View
from trading.risk.drawdown import trip

SEEN_BREACH, SEEN_REASON, SEEN_FILL, SEEN_OUTCOME = 0, 24, 56, 64
SEEN_VERDICT, SEEN_TIER, SEEN_RESUME, SEEN = 72, 80, 84, 85
BREACH_BITS = len(BREACHES)
"""Where in `World.seen` the counts of each kind begin."""

PRICE_MIN, PRICE_MAX = 300, 3_000_000
EQUITY_MAX = 4_000_000_000_000
"""Beyond this the checks' own products could leave 64 bits; deposits stop well before."""

GOLDEN, FIRST = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
S30, S27, S31, S2 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(2)


def fill(rng: NDArray[np.uint64], tape: Ints) -> None:
    """Splitmix64 (Steele, Lea and Flood 2014) onto the tape, 62 bits a draw; plain runs must let it wrap."""
    for i in range(len(tape)):
        rng[0] += GOLDEN
        z = rng[0]
        z = (z ^ (z >> S30)) * FIRST
        z = (z ^ (z >> S27)) * SECOND
        tape[i] = int(np.int64((z ^ (z >> S31)) >> S2))


def draw(world: World, below: int) -> int:
    """The next integer of the tape in [0, below); an exhausted tape says 0."""
    at = world.at[0]
    if at >= len(world.tape):
        return 0
    world.at[0] = at + 1
    return world.tape[at] % below


def walk(world: World, rules: Rules, books: Books, rng: NDArray[np.uint64], hours: int) -> int:
    """Live `hours` hours on tapes of a seed; returns 0 or the number of what broke."""
    for _ in range(hours):
        fill(rng, world.tape)
        world.at[0] = 0
        broken = live(world, rules, books)
        if broken != 0 or books.state.account.equity > EQUITY_MAX:
            return broken
    return 0


def live(world: World, rules: Rules, books: Books) -> int:
    """One hour: the market shows itself, the core decides, the next bar fills; returns what broke."""
    show(world, rules, books)
    books.fills.used[0], books.decisions.used[0], books.equity.used[0] = 0, 0, 0
    view = View(world.market, world.readings)
    acting = 1 if draw(world, 3) == 0 else 0
    tampered = world.foreign[0] != 0 or world.foreign[1] != 0
    open_hour(view, acting, world.signals[0], rules, books)
    broken = check_guard(world, rules, books, tampered)
    if broken == 0:
        broken = check_orders(world, rules, books)
    if broken != 0:
        return broken
    note(world, rules, books)
    cash = books.state.account.cash
    move(world)
    fill_hour(view, world.bars, rules, books)
    broken = check_fills(world, rules, books, cash)
    if broken == 0:
        broken = check_books(world, rules, books)
    meddle(world, books)
    world.market.hour += 1
    return broken


def show(world: World, rules: Rules, books: Books) -> None:
    """Draw what is known at asof: the hour, every instrument, every signal."""
    market, mood = world.market, draw(world, 400)
    market.missed = 1 if mood == 1 else 0
    market.refused = 1 if mood == 2 else 0
    market.btc_return = -0.06 if mood == 3 else (draw(world, 200) - 100) / 10_000.0
    market.btc_sigma_1h = 0.005
    market.btc_volatility_percentile = 0.999 if mood == 4 else 0.5
    market.p_crash = draw(world, 120) / 500.0
    market.p_high_volatility = draw(world, 10) / 10.0
    market.flow = 0
    if mood < 15:
        market.flow = (draw(world, 2_000) - 1_000) * (books.state.account.equity // 2_000)
        if market.flow > 0 and books.state.account.equity > EQUITY_MAX // 8:
            market.flow = 0
    for a in range(len(world.readings)):
        show_instrument(a, world)
        show_signal(world, world.signals[0][a])


def show_instrument(a: int, world: World) -> None:
    reading, bar = world.readings[a], world.bars[a]
    reading.traded = bar.traded
    reading.close = world.prices[a] if draw(world, 100) != 1 else 0
    reading.usable = 0 if draw(world, 50) == 1 else 1
    reading.eligible = 0 if draw(world, 20) == 1 else 1
    reading.veto = draw(world, 8) if draw(world, 20) == 1 else 0
    reading.beta_ppm = 1_000_000 + (draw(world, 40) - 4) * 50_000
    scale = draw(world, 12)
    reading.notional_24h = 2_000_000_000_000 if scale < 10 else 10_000_000_000 * scale * draw(world, 4)
    reading.sigma_24 = 0.005 + draw(world, 100) / 1_000.0
    reading.sigma_1h = reading.sigma_24 / 5.0
    reading.spread = 0.0002 + draw(world, 20) / 10_000.0
    reading.p4 = 0.45 + draw(world, 25) / 100.0
    reading.p24 = 0.40 + draw(world, 40) / 100.0
    reading.e24 = (draw(world, 100) - 30) / 1_000.0
    reading.e_hold = reading.e24 * 2.0
    if draw(world, 60) == 1:
        reading.p24 = np.nan
        reading.e_hold = np.nan


def show_signal(world: World, signal: Signal) -> None:
    signal.enter = 1 if draw(world, 4) == 1 else 0
    signal.leave = 1 if draw(world, 12) == 1 else 0
    signal.weight = draw(world, 24) / 100.0
    signal.rank = draw(world, 50) / 10.0
    signal.stop, signal.trail = 0.05, 0.15
    signal.rebalance = 1 if draw(world, 3) == 1 else 0
    signal.channel_up, signal.channel_down = draw(world, 8), draw(world, 8)


def move(world: World) -> None:
    """The next bar of every instrument: quiet, wild or without a trade; now and then all fall at once."""
    fall = 150 if draw(world, 150) == 1 else 0
    for a in range(len(world.bars)):
        bar, old, mood = world.bars[a], world.prices[a], draw(world, 64)
        width = 100 if mood > 1 else (10 if mood == 0 else 300)
        opened = old * (1_000 + (draw(world, width) - width // 2) // 4 - fall // 2) // 1_000
        closed = opened * (1_000 + (draw(world, width) - width // 2) // 2 - fall) // 1_000
        opened, closed = inside(opened), inside(closed)
        top, bottom = max(opened, closed), min(opened, closed)
        bar.open, bar.close = opened, closed
        bar.high = top + top * draw(world, width) // 2_000
        bar.low = max(bottom - bottom * draw(world, width) // 2_000, 1)
        bar.volume = 1_000_000_000_000 if draw(world, 4) != 1 else draw(world, 40) * draw(world, 4_000)
        if bar.traded == 0:
            bar.traded = 1 if draw(world, 90) == 1 else 0
        else:
            bar.traded = 0 if draw(world, 200) == 1 else 1
        if bar.traded == 0:
            bar.open, bar.high, bar.low, bar.close, bar.volume = old, old, old, old, 0
        world.prices[a] = bar.close


def inside(price: int) -> int:
    return min(max(price, PRICE_MIN), PRICE_MAX)


def meddle(world: World, books: Books) -> None:
    """Now and then the venue's books move without us, are put right again, or somebody trips the halt."""
    act = draw(world, 600)
    if act == 1:
        change = 1 + draw(world, 1_000)
        world.foreign[0] += change
        books.purse[0] += change
    elif act == 2 and world.foreign[1] == 0:
        world.foreign[1] = max(draw(world, 20_000_000) - 10_000_000, -books.holdings[0].lots)
        books.holdings[0].lots += world.foreign[1]
    elif act > 400:
        books.purse[0] -= world.foreign[0]
        books.holdings[0].lots -= world.foreign[1]
        world.foreign[0], world.foreign[1] = 0, 0
    elif act == 3 or act == 4:
        trip(world.market.hour, books.state.account)
        books.state.account.halted = act - 2


def check_guard(world: World, rules: Rules, books: Books, tampered: bool) -> int:
    """Equity, peaks, tiers and the latch after the marks of this hour."""
    account, limits = books.state.account, rules.config.limits
    if account.equity != account.cash + marked(rules, books):
        return 1
    if account.peak < account.equity or account.lifetime_peak < account.peak:
        return 2
    was_halted, was_tier = world.before[0], world.before[1]
    was_epoch, since = world.before[2], world.before[3]
    fallen, slack = 100 * (account.peak - account.equity), limits.drawdown_hysteresis_pct
    bounds = (limits.drawdown_small_pct, limits.drawdown_large_pct, limits.drawdown_halt_pct)
    for k in range(3):
        if fallen >= bounds[k] * account.peak and account.tier <= k:
            return 3
        if k < 2 and was_tier > k and account.tier <= k and fallen >= (bounds[k] - slack) * account.peak:
            return 4
    due = was_halted != 0 and 0 < rules.mandate.review_after_h <= world.market.hour - since
    if was_halted != 0 and not due and (account.halted == 0 or account.halt_epoch != was_epoch):
        return 5
    if was_halted != 0 and account.halted == 0:
        world.seen[SEEN_RESUME] += 1
    if account.tier == 3 and account.halted == 0:
        return 6
    mismatch = account.unreconciled == 0 or (account.halted == 0 and not due)
    return 7 if tampered and mismatch else 0


def marked(rules: Rules, books: Books) -> int:
    """Holdings and dust at their marks, silent ones at a discount."""
    total = 0
    for a in range(len(books.state.positions)):
        position = books.state.positions[a]
        value = worth(position.mark, position.lots + position.dust, a, rules)
        if position.silent >= rules.config.execution.delist_h:
            value = value * (PPM - rules.config.execution.delist_haircut_ppm) // PPM
        total += value
    return total


def worth(ticks: int, lots: int, a: int, rules: Rules) -> int:
    """Value half up, by a plain product."""
    terms = rules.terms[a]
    return (2 * ticks * lots * terms.multiplier + terms.divisor) // (2 * terms.divisor)


def check_orders(world: World, rules: Rules, books: Books) -> int:
    """Every approved order against its intent; all entries together, at their worst, against every limit."""
    account, missed = books.state.account, world.market.missed
    stopped = account.halted + account.unreconciled + world.market.refused
    stopped += account.move_clear_h + account.volatility_clear_h + account.data_clear_h
    for a in range(len(books.orders)):
        order, position, intent = books.orders[a], books.state.positions[a], books.decision.intents[a]
        if order.lots != 0 and missed != 0:
            return 8
        if order.lots < 0 and -order.lots > position.lots + position.dust:
            return 9
        emptied = order.lots == -(position.lots + position.dust) or intent.verdict == DENIED
        if account.halted == FLATTENING and missed == 0 and position.lots > 0 and not emptied:
            return 34
        if order.lots <= 0:
            continue
        if stopped > 0 or intent.breach & BLOCKING:
            return 10
        if intent.verdict != KEPT and intent.verdict != SHRUNK:
            return 33 if intent.verdict == DENIED else 11
        if order.lots > intent.lots:
            return 12
        if rules.mandate.mode == PREDICTIONS and not 0 < order.stop < order.limit:
            return 13
        small = worth(order.limit, order.lots, a, rules) < rules.terms[a].cost_min
        if small or order.lots < rules.terms[a].order_min_lots:
            return 14
    return check_limits(world, rules, books)


def check_limits(world: World, rules: Rules, books: Books) -> int:
    """Limits on totals: holdings at their marks and every entry at the worst price with the taker's fee."""
    account, limits, own = books.state.account, rules.config.limits, world.own
    count, equity = len(books.orders), account.equity
    for k in range(3 * count):
        own[k] = 0
    exposure, names, spent, weighted, opened = 0, 0, 0, 0, 0
    for a in range(count):
        position, reading, order = books.state.positions[a], world.readings[a], books.orders[a]
        value = worth(position.mark, position.lots, a, rules)
        cost = worst(order.lots, order.limit, a, rules) if order.lots > 0 else 0
        exposure, spent = exposure + value + cost, spent + cost
        held, new = position.lots > 0, order.lots > 0 and position.lots == 0
        names, opened = names + (1 if held or new else 0), opened + (1 if new else 0)
        weighted += value * reading.beta_ppm // PPM + cost * max(reading.beta_ppm, 0) // PPM
        own[reading.cluster] += value + cost
        own[count + reading.cluster] += 1 if held or new else 0
        own[2 * count + reading.cluster] += 1 if new else 0
        if cost == 0 or rules.mandate.portfolio_rules_only != 0:
            continue
        if PPM * (value + cost) > limits.name_ppm * equity:
            return 18
        if PPM * cost > limits.volume_ppm * reading.notional_24h:
            return 22
    if spent == 0:
        return 0
    large = account.tier >= 2
    hard = limits.large_exposure_ppm if large else limits.exposure_hard_ppm
    if PPM * exposure > min(hard - limits.cut_margin_ppm, limits.exposure_entry_ppm) * equity:
        return 15
    if opened > 0 and names > (limits.large_positions_max if large else limits.positions_max):
        return 16
    if spent > account.cash:
        return 17
    return check_clusters(weighted, world, rules, books)


def check_clusters(weighted: int, world: World, rules: Rules, books: Books) -> int:
    """Clusters and beta, wherever an entry adds to them."""
    limits, own, count = rules.config.limits, world.own, len(books.orders)
    equity = books.state.account.equity
    if rules.mandate.portfolio_rules_only != 0:
        return 0
    for a in range(count):
        cluster = world.readings[a].cluster
        if books.orders[a].lots <= 0:
            continue
        if PPM * own[cluster] > limits.cluster_ppm * equity:
            return 19
        if own[2 * count + cluster] > 0 and own[count + cluster] > limits.cluster_positions_max:
            return 20
        if world.readings[a].beta_ppm > 0 and PPM * weighted > limits.beta_ppm * equity:
            return 21
    return 0


def worst(lots: int, limit: int, a: int, rules: Rules) -> int:
    """What a buy can cost: the fallback's highest ask and the taker's fee."""
    ask = limit * (PPM + rules.config.execution.fallback_slip_max_ppm) // PPM
    value = worth(ask, lots, a, rules)
    return value + fee(value, rules.config.fees.taker_ppm)


def check_fills(world: World, rules: Rules, books: Books, cash: int) -> int:
    """Every fill against its order and its bar; the cash moved by the fills and nothing else."""
    bought = world.own
    for a in range(len(books.orders)):
        bought[a] = 0
    for k in range(books.fills.used[0]):
        fill = books.fills.rows[k]
        a = fill.instrument
        bar, order = world.bars[a], books.orders[a]
        world.seen[SEEN_FILL + fill.kind] += 1
        if bar.traded == 0 and fill.kind != FILL_DELIST:
            return 28
        cash -= fill.fee
        if fill.lots > 0:
            cash -= fill.value
            bought[a] += fill.lots
            ceiling = order.limit * (PPM + rules.config.execution.fallback_slip_max_ppm) // PPM
            if fill.ticks > ceiling:
                return 30
            continue
        cash += fill.value
        if (fill.kind == FILL_STOP or fill.kind == FILL_STOP_GAP) and 2 * fill.ticks < min(
            bar.open, fill.stop
        ):
            return 31
        if fill.kind != FILL_STOP and fill.kind != FILL_STOP_GAP and -fill.lots > -order.lots:
            return 29
    for a in range(len(books.orders)):
        if bought[a] > max(books.orders[a].lots, 0):
            return 29
    return 32 if cash != books.state.account.cash else 0


def check_books(world: World, rules: Rules, books: Books) -> int:
    """After settlement: no debt, the venue's books are ours, dust is dust, and every stop rests."""
    account = books.state.account
    if account.cash < 0:
        return 23
    if books.purse[0] != account.cash + world.foreign[0]:
        return 24
    for a in range(len(books.orders)):
        position, holding = books.state.positions[a], books.holdings[a]
        foreign = world.foreign[1] if a == 0 else 0
        if holding.lots != position.lots + position.dust + foreign or holding.lots < 0:
            return 25
        least = rules.terms[a].order_min_lots
        if position.lots > 0 and (position.lots < least or position.dust != 0):
            return 27
        if position.dust < 0 or position.dust >= least or position.lots < 0:
            return 27
        rests = holding.stop == position.stop and (position.stop == 0 or holding.stop_lots == position.lots)
        if position.lots > 0 and not rests:
            return 26
        if position.lots > 0 and rules.mandate.mode == PREDICTIONS and position.stop <= 0:
            return 26
        if position.lots == 0 and holding.stop != 0:
            return 26
    return 0


def note(world: World, rules: Rules, books: Books) -> None:
    """Remember the guard for the next hour and count what was seen."""
    account, before, seen = books.state.account, world.before, world.seen
    before[0], before[1], before[2] = account.halted, account.tier, account.halt_epoch
    before[3] = account.halt_hour
    outcome = books.equity.rows[0].outcome
    seen[SEEN_OUTCOME + outcome] += 1
    seen[SEEN_TIER + account.tier] += 1
    if outcome == MISSED:
        return
    for a in range(len(books.orders)):
        intent = books.decision.intents[a]
        seen[SEEN_REASON + intent.reason] += 1
        seen[SEEN_VERDICT + intent.verdict] += 1
        for bit in range(BREACH_BITS):
            seen[SEEN_BREACH + bit] += (intent.breach >> bit) & 1
