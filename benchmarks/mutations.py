"""Does a proof notice when one of the two sides is another program? Every constant, rounding and comparison
on the way from a window to a settled state is changed, one at a time, on the proving side alone.

    python benchmarks/mutations.py HOME --table docs/evidence/mutations.md

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
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from edges import SEED, Case, edge_cases, recorded_cases

from adapters.reconstruction.rebuild import Market
from cli.reconstruct import _source
from cli.stored import find
from trading.clock import TradingHour
from trading.compiled import use_cache
from trading.live.again import Decided, decide_again, settle_again
from trading.live.documents import digest_of
from trading.live.machines import PLAIN
from trading.live.values import Approved

DECISION = (
    *("trading.hour", "trading.strategy", "trading.sizing", "trading.costs", "trading.money"),
    *("trading.portfolio", "trading.backtest.step", "trading.execution.planning"),
    *("trading.execution.reconciliation", "trading.risk.approve", "trading.risk.cap"),
    *("trading.risk.controls", "trading.risk.drawdown", "trading.risk.kill_switch"),
    *("trading.ledger.settlement", "trading.live.hour", "trading.live.flows"),
)
MARKET = ("trading.backtest.inputs", "trading.grid", "trading.quality", "trading.universe")
EDGES, MARKET_HOURS = 500, 2
PATIENCE_S = 10


@dataclass(frozen=True)
class Divergence:
    """One change of one place."""

    module: str
    function: str
    line: int
    what: str
    code: CodeType


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
