"""Nothing reaches a venue but what risk approved: proved on the syntax of every source file.

What is proved: only `trading/risk/approve.py` makes an `ApprovedOrder` or writes to one; the engine packs
`no_orders()` and nothing else; `decide` alone composes strategy, cap, planning and approval; `play` is fed
the books' orders alone. What is not: Python lets a determined author write around any of it, by names put
together at run time. The offences below are what a careless one would write.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from trading.records import fields
from trading.risk.approve import ApprovedOrder

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "trading",
    "adapters",
    "simulator",
    "cli",
    "config",
    "activities",
    "workflows",
    "worker",
    "temporal",
    "api",
)
APPROVE, HOUR, STEP = "trading/risk/approve.py", "trading/hour.py", "trading/backtest/step.py"
ENGINE = "trading/backtest/engine.py"

MAKERS = {"blank", "table", "packed", "packed_one", "unpacked", "unpacked_one", "dtype_of", "replace"}
"""What turns a record class into records."""
ORDER_FIELDS = set(fields(ApprovedOrder))
STAGES = {"from_predictions", "from_signals", "cap", "plan", "approve"}
"""What `decide` composes, in this order."""
HOMES = {
    "from_predictions": "trading/strategy.py",
    "from_signals": "trading/strategy.py",
    "cap": "trading/risk/cap.py",
    "plan": "trading/execution/planning.py",
    "approve": APPROVE,
}
GRANTS = {"grant_buy", "pass_sell"}
"""The two functions that write an approved order."""


def offences(path: str, source: str) -> list[str]:
    """What one file does that only risk may do."""
    tree = ast.parse(source)
    return sorted(
        f"{path}:{line}: {what}"
        for rule in (orders_made, orders_written, stages_called, orders_played)
        for line, what in rule(path, tree)
    )


Found = Iterator[tuple[int, str]]


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the last part of its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, last_name(node.func)


def last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def orders_made(path: str, tree: ast.AST) -> Found:
    """The class called, or given to what makes records; an alias or subclass would hide both."""
    if path == APPROVE:
        return
    for node, name in calls(tree):
        first = last_name(node.args[0]) if node.args else ""
        if name == "ApprovedOrder":
            yield node.lineno, "makes an ApprovedOrder"
        packs_none = (
            path == ENGINE and name == "packed" and ast.unparse(node.args[1]).startswith("no_orders(")
        )
        if name in MAKERS and first == "ApprovedOrder" and not packs_none:
            yield node.lineno, f"makes ApprovedOrders by {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.name == "ApprovedOrder" and node.asname:
            yield node.lineno, "imports ApprovedOrder under another name"
        if isinstance(node, ast.Assign) and last_name(node.value) == "ApprovedOrder":
            yield node.lineno, "gives ApprovedOrder another name"
        if isinstance(node, ast.ClassDef) and "ApprovedOrder" in map(last_name, node.bases):
            yield node.lineno, "derives from ApprovedOrder"


def orders_written(path: str, tree: ast.AST) -> Found:
    """A field assigned on something that holds approved orders, by attribute, column or setattr."""
    if path == APPROVE:
        return
    names = names_of_orders(tree) | ({"orders"} if path.startswith("trading/") else set())
    for node in ast.walk(tree):
        written = isinstance(node, ast.Attribute | ast.Subscript) and isinstance(
            node.ctx, ast.Store | ast.Del
        )
        if (
            isinstance(node, ast.Attribute)
            and written
            and node.attr in ORDER_FIELDS
            and is_order(node.value, names)
        ):
            yield node.lineno, f"writes {node.attr} of an approved order"
        if isinstance(node, ast.Subscript) and written and is_order(node.value, names):
            yield node.lineno, "puts something among the approved orders"
    for node, name in calls(tree):
        if name in {"setattr", "__setattr__"} and node.args and is_order(node.args[0], names):
            yield node.lineno, "sets an attribute of an approved order"
        if name == "_replace" and any(keyword.arg == "orders" for keyword in node.keywords):
            yield node.lineno, "replaces the orders of a session or of books"


def names_of_orders(tree: ast.AST) -> set[str]:
    """Names annotated as approved orders, and local names bound to one of them."""
    names = set()
    for node in ast.walk(tree):
        note = node.annotation if isinstance(node, ast.arg | ast.AnnAssign) else None
        if note is not None and "ApprovedOrder" in ast.unparse(note):
            names.add(node.arg if isinstance(node, ast.arg) else last_name(node.target))
    for _ in range(3):  # An alias of an alias of an alias is far enough.
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and is_order(node.value, names):
                names |= {last_name(target) for target in node.targets}
            if isinstance(node, ast.For) and is_order(node.iter, names):
                names.add(last_name(node.target))
    return names - {""}


def is_order(node: ast.AST, names: set[str]) -> bool:
    """True for `orders`, `orders[a]`, `books.orders[a]` and whatever else is annotated or bound so."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return last_name(node) in names or (isinstance(node, ast.Attribute) and node.attr == "orders" in names)


def stages_called(path: str, tree: ast.AST) -> Found:
    """A stage called outside `decide`, or one of approval's grants outside `approve`."""
    allowed = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and (path, function.name) in {(HOUR, "decide"), (APPROVE, "approve")}
        for node in ast.walk(function)
    }
    ours = imported(tree, path)
    for node, name in calls(tree):
        if name in ours and id(node) not in allowed:
            yield node.lineno, f"calls {name} by itself"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in ours and not called(node, tree):
            yield node.lineno, f"hands {node.id} on"


def imported(tree: ast.AST, path: str) -> set[str]:
    """The stages and grants that mean ours in this file: imported from where they live, or living here."""
    names = {name for name, home in HOMES.items() if home == path}
    names |= GRANTS if path == APPROVE else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {
                alias.asname or alias.name
                for alias in node.names
                if alias.name in GRANTS
                or f"{(node.module or '').replace('.', '/')}.py" == HOMES.get(alias.name)
            }
        if isinstance(node, ast.Attribute) and node.attr in (STAGES - {"cap", "plan"}) | GRANTS:
            names.add(node.attr)
    return names


def called(name: ast.Name, tree: ast.AST) -> bool:
    return any(node.func is name for node, _ in calls(tree))


def orders_played(path: str, tree: ast.AST) -> Found:
    """`play` called elsewhere than in the step, or on anything but a session over the books' orders."""
    for node, name in calls(tree):
        if name != "play":
            continue
        session = node.args[0] if node.args else None
        fed = [ast.unparse(part) for part in session.args] if isinstance(session, ast.Call) else []
        if (
            path != STEP
            or last_name(getattr(session, "func", node)) != "Session"
            or fed[2:3] != ["books.orders"]
        ):
            yield node.lineno, "plays orders that are not the books'"


def sources() -> dict[str, str]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }


def test_no_source_file_goes_around_risk() -> None:
    found = [offence for path, source in sources().items() for offence in offences(path, source)]
    assert found == []


def test_decide_composes_every_stage_in_order() -> None:
    tree = ast.parse(sources()[HOUR])
    (decide,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "decide")
    stages = [name for _, name in sorted(((n.lineno, m) for n, m in calls(decide) if m in STAGES))]
    assert stages == ["from_predictions", "from_signals", "cap", "plan", "approve"]


def test_approve_is_where_orders_are_written_and_it_exists_once() -> None:
    definitions = [
        path
        for path, source in sources().items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == "ApprovedOrder"
    ]
    assert definitions == [APPROVE]


def test_the_loop_plays_and_the_hour_decides() -> None:
    """The proof would hold trivially if the names it looks for were gone."""
    for path, name in ((STEP, "play"), (STEP, "decide"), (HOUR, "approve"), (APPROVE, "grant_buy")):
        assert any(found == name for _, found in calls(ast.parse(sources()[path]))), f"{path} calls no {name}"


OFFENCES = {
    "made": "from trading.risk.approve import ApprovedOrder\norder = ApprovedOrder(1, 2, 3, 4, 5)",
    "made by name": "import trading.risk.approve as r\norder = r.ApprovedOrder(1, 2, 3, 4, 5)",
    "made blank": "orders = blank(ApprovedOrder, 3)",
    "made packed": "orders = packed(ApprovedOrder, [wanted])",
    "made a table": "orders = records.table(ApprovedOrder, 3)",
    "renamed": "from trading.risk.approve import ApprovedOrder as Order\nOrder(1, 2, 3, 4, 5)",
    "bound": "Order = approve.ApprovedOrder",
    "derived": "class Mine(ApprovedOrder):\n    pass",
    "field": "def f(order: ApprovedOrder) -> None:\n    order.lots = 5",
    "field added to": "def f(order: ApprovedOrder) -> None:\n    order.lots += 5",
    "field of one": "def f(orders: Sequence[ApprovedOrder]) -> None:\n    orders[0].limit = 5",
    "field of the books": "def f(books: Books) -> None:\n    books.orders[2].lots = 1",
    "books replaced": "books = books._replace(orders=mine)",
    "aliased": "def f(orders: Sequence[ApprovedOrder]) -> None:\n    first = orders[0]\n    first.stop = 0",
    "in a loop": "def f(orders: list[ApprovedOrder]) -> None:\n    for o in orders:\n        o.lots = 1",
    "put": "def f(orders: list[ApprovedOrder], mine: object) -> None:\n    orders[0] = mine",
    "column": "class B:\n    orders: NDArray[ApprovedOrder]\ndef f(b):\n    b.orders['lots'][0] = 1",
    "setattr": "def f(order: ApprovedOrder) -> None:\n    setattr(order, 'lots', 5)",
    "strategy alone": "from trading.strategy import from_predictions\nfrom_predictions(v, s, c, d)",
    "signals alone": "from trading import strategy\nstrategy.from_signals(v, k, a, g, s, c, t, d)",
    "cap alone": "from trading.risk.cap import cap\ncap(v, s, c, 0, t, d)",
    "plan alone": "from trading.execution.planning import plan\nplan(v, s, c, t, d)",
    "approve alone": "from trading.risk.approve import approve\napprove(v, s, c, 0, t, d, 1, o)",
    "approve renamed": "from trading.risk.approve import approve as fine\nfine(v, s, c, 0, t, d, 1, o)",
    "approve handed on": "from trading.risk.approve import approve\nfast = compiled(approve)",
    "grant": "from trading.risk.approve import grant_buy\ngrant_buy(5, t, i, o)",
    "played": "play(Session(view, bars, mine, state, purse, holdings, config, terms, log))",
    "played elsewhere": "matching.play(Session(view, bars, books.orders, s, p, h, c, t, log))",
}


@pytest.mark.parametrize("name", OFFENCES)
def test_the_proof_notices(name: str) -> None:
    assert offences("trading/backtest/other.py", OFFENCES[name])


@pytest.mark.parametrize("path", [STEP, HOUR, ENGINE])
@pytest.mark.parametrize("name", [n for n in OFFENCES if n not in {"played elsewhere"}])
def test_no_file_is_exempt_but_for_what_is_its_own(path: str, name: str) -> None:
    assert offences(path, OFFENCES[name])


INNOCENT = (
    "def f(position: Position, order: ApprovedOrder) -> None:\n    position.stop = order.stop",
    "def f(orders: Sequence[ApprovedOrder]) -> int:\n    return orders[0].lots",
    "from trading.records import packed\nrows = packed(Position, positions)",
    "plan = Plan(1)\nprint(plan)",
)


@pytest.mark.parametrize("source", INNOCENT)
def test_reading_an_order_is_no_offence(source: str) -> None:
    assert offences("trading/backtest/other.py", source) == []
