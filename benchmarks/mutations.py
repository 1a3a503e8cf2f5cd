"""Does a proof notice when one of the two sides is another program? Every constant, rounding and comparison
on the way from a window to a settled state is changed, one at a time, on the proving side alone.

    python -m benchmarks.mutations HOME --table docs/evidence/mutations.md

HOME holds a replayed track. Its busiest hours are taken as they were, and again with states, readings and
words of the guard moved onto the edges of every rule: what the unchanged functions came to is the record.
A divergence is caught when some hour's document or state differs, or cannot be computed. Everything runs
uncompiled: the same functions, as written.
"""

import argparse
import ast
import importlib
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from adapters.reconstruction.rebuild import Market
from adapters.reconstruction.source import Source
from adapters.reconstruction.told import Told
from cli.reconstruct import _source
from cli.stored import find
from config import trading
from trading.clock import TradingHour
from trading.compiled import use_cache
from trading.execution.protocol import Kind, Trade
from trading.live.again import Decided, Testimony, Word, decide_again, settle_again
from trading.live.desk import Desk
from trading.live.documents import digest_of, dump_mandate, parse_mandate, parse_state
from trading.live.machines import PLAIN
from trading.live.sight import Advice
from trading.live.values import Approved, Booked, Ticket
from trading.portfolio import PortfolioState, Signal
from trading.records import Flag

DECISION = (
    *("trading.hour", "trading.strategy", "trading.sizing", "trading.costs", "trading.money"),
    *("trading.portfolio", "trading.backtest.step", "trading.execution.planning"),
    *("trading.execution.reconciliation", "trading.risk.approve", "trading.risk.cap"),
    *("trading.risk.controls", "trading.risk.drawdown", "trading.risk.kill_switch"),
    *("trading.ledger.settlement", "trading.live.hour", "trading.live.flows"),
)
MARKET = ("trading.backtest.inputs", "trading.grid", "trading.quality", "trading.universe")
HOURS, EDGES, MARKET_HOURS, SEED = 25, 500, 2, 7
PATIENCE_S = 10


@dataclass(frozen=True)
class Divergence:
    """One change of one place."""

    module: str
    function: str
    line: int
    what: str
    code: CodeType


@dataclass(frozen=True)
class Case:
    """One hour of a portfolio, with fills of it."""

    desk: Desk
    ticket: Ticket
    before: PortfolioState
    said: Testimony
    approvals: dict[int, dict[str, Approved]]
    fills: tuple[Booked, ...]


COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_PAIRS = (("min", "max"), ("muldiv_floor", "muldiv_ceil"), ("floor", "ceil"), ("maximum", "minimum"))
SWAPPED = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


class TooLong(Exception):
    """A changed loop does not end."""


class Change(ast.NodeTransformer):
    """Changes the `wanted`-th place of a function, and counts them."""

    def __init__(self, wanted: int, known: Mapping[str, Any]) -> None:
        """`known` are the names that the function may use."""
        self.wanted, self.known = wanted, known
        self.count, self.what, self.line = 0, "", 0

    def _is_it(self, node: Any, what: str) -> bool:
        self.count += 1
        if self.count - 1 == self.wanted:
            self.what, self.line = what, node.lineno
            return True
        return False

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for k, op in enumerate(node.ops):
            other = COMPARISONS.get(type(op))
            if other and self._is_it(node, f"{type(op).__name__} -> {other.__name__}"):
                node.ops[k] = other()
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value: Any = node.value
        if type(value) in (int, float) and self._is_it(node, f"{value} changed"):
            return ast.copy_location(
                ast.Constant(value + 1 if type(value) is int else value * 1.01 + 1e-9), node
            )
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.FloorDiv) and self._is_it(node, "// rounds up"):
            down = ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right)
            return ast.copy_location(ast.UnaryOp(ast.USub(), down), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        other = SWAPPED.get(name)
        named = isinstance(node.func, ast.Attribute) or other in self.known or other in ("min", "max")
        if other and named and self._is_it(node, f"{name} -> {other}"):
            if isinstance(node.func, ast.Name):
                node.func.id = other
            elif isinstance(node.func, ast.Attribute):
                node.func.attr = other
        if name == "int" and self._is_it(node, "int rounds up"):
            return ast.copy_location(ast.BinOp(node, ast.Add(), ast.Constant(1)), node)
        return node


def divergences(name: str) -> Iterator[Divergence]:
    """Every change of every plain function of a module."""
    module = importlib.import_module(name)
    source = Path(str(module.__file__)).read_text()
    for function in functions(module):
        number = 0
        while True:
            tree = ast.parse(source)
            defined = (node for node in tree.body if isinstance(node, ast.FunctionDef))
            node = next(node for node in defined if node.name == function.__name__)
            change = Change(number, vars(module))
            node.body = [change.visit(one) for one in node.body]
            if not change.what:
                break
            ast.fix_missing_locations(tree)
            code = compile(tree, str(module.__file__), "exec")
            found = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == node.name)
            yield Divergence(name, node.name, change.line, change.what, found)
            number += 1


def functions(module: ModuleType) -> list[FunctionType]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    ]


def outcomes(cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    """Digests of each case's decision and state."""
    for case in cases:
        decided = decide_again(
            case.desk, case.ticket, deepcopy(case.before), case.said, case.approvals, PLAIN
        )
        digest = digest_of(decided.document + repr(decided.orders))
        approvals = case.approvals | {case.desk.hour.number: approved(decided, case)}
        state = settle_again(case.desk, case.ticket, decided.state, case.fills, approvals, PLAIN)
        yield digest, digest_of(state)


def approved(decided: Decided, case: Case) -> dict[str, Approved]:
    """What was approved; of what the fills need and nothing approved, an order as good as any."""
    some = {fill.trade.instrument: Approved(1, fill.trade.ticks, 1, 0, 0) for fill in case.fills}
    return some | decided.approved(case.desk.names)


def sights(market: Market, hours: Sequence[TradingHour], predictors: tuple[str, ...]) -> Iterator[str]:
    """Digests of each hour's market stages."""
    for hour in hours:
        market.at.cache_clear()
        yield "".join(content.digest for content in market.at(hour, predictors)[1].values())


def judged(run: Callable[[], Iterator[Any]], record: Sequence[Any]) -> str:
    """How a divergence shows: in which case; empty when it does not."""
    signal.alarm(PATIENCE_S)
    try:
        for number, (one, other) in enumerate(zip(run(), record, strict=True)):
            if one != other:
                return f"case {number}"
    except TooLong:
        return "endless"
    except Exception as error:
        return type(error).__name__
    finally:
        signal.alarm(0)
    return ""


def fate(of: Divergence, run: Callable[[], Iterator[Any]], record: Sequence[Any]) -> str:
    """Change the function in place, look, and change it back."""
    function: FunctionType = vars(sys.modules[of.module])[of.function]
    kept = function.__code__
    function.__code__ = of.code
    try:
        return judged(run, record)
    finally:
        function.__code__ = kept


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
    fills = []
    for a, instrument in places:
        position = case.before.positions[a]
        if draw.random() < 0.3 and case.desk.sight.view.readings[a].close > 0:
            held = position.lots + position.dust
            sells = held > 0 and draw.random() < 0.6
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


MOVES = (_reading, _reading, _market, _account, _positions, _positions, _word, _policy, _lively)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--hours", type=int, default=400, help="of the track that are looked at")
    parser.add_argument("--table", type=Path)
    told = parser.parse_args()
    signal.signal(signal.SIGALRM, _give_up)
    use_cache(told.home / "cache" / "compiled")
    source = _source(find(told.home, None), None)
    first = source.inputs.first.number
    hours = [TradingHour(first + n) for n in range(told.hours)]
    cases = recorded_cases(source, hours)
    cases += edge_cases(cases, EDGES)
    random.Random(SEED).shuffle(cases)
    record = list(outcomes(cases))
    looked = [case.desk.hour for case in cases[:MARKET_HOURS]]
    predictors = source.inputs.predictors(hours[-1])
    seen = list(sights(source.market, looked, predictors))
    assert list(outcomes(cases)) == record, "the record does not repeat itself"
    began_s, fates = time.perf_counter(), []
    for name in (*DECISION, *MARKET):
        decides = name in DECISION
        sys.stderr.write(f"{time.perf_counter() - began_s:6.0f} s  {name}\n")
        for of in divergences(name):
            if decides:
                fates.append((of, fate(of, lambda: outcomes(cases), record)))
            else:
                fates.append((of, fate(of, lambda: sights(source.market, looked, predictors), seen)))
    report(fates, len(cases), time.perf_counter() - began_s, told.table)


def _give_up(*_: object) -> None:
    raise TooLong


def report(fates: Sequence[tuple[Divergence, str]], cases: int, took_s: float, table: Path | None) -> None:
    """How many were caught, by module, and each that was not."""
    caught, all_ = Counter(of.module for of, how in fates if how), Counter(of.module for of, _ in fates)
    lines = [
        f"{len(fates)} divergences over {cases} hours in {took_s:.0f} s: {sum(caught.values())} caught, "
        f"{len(fates) - sum(caught.values())} not.",
        "",
        "| module | divergences | caught | not caught |",
        "|---|---|---|---|",
        *(f"| `{name}` | {n} | {caught[name]} | {n - caught[name]} |" for name, n in all_.items()),
        "",
        *(f"- `{of.module}:{of.line}` {of.function}: {of.what}" for of, how in fates if not how),
    ]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if table:
        table.write_text(text)


if __name__ == "__main__":
    main()
