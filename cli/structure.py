"""What the house is made of, as facts that can be compared: a name and what stands under it.

Five subjects, each with a fingerprint: whoever changes one says why, in an ADR or in the log of governance.
Facts are taken from the sources, the reviewed values and a migrated database, never from a written list.
"""

import ast
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adapters.audit.carried import fingerprint as fingerprint

Facts = Mapping[str, str]

ROOT = Path(__file__).resolve().parents[1]
RECORD = Path("config/structure.json")
LOG = Path("docs/governance/LOG.md")
DECISIONS = Path("docs/adr")
TOLD_MAX, SHORT = 8, 40

TOGETHER = {"cli", "worker"}

REVIEWED = ("limits", "kill_switch", "live_triggers", "review")
"""The groups of `config/trading.toml` that keep risk in bounds."""

COMMANDS = frozenset(
    (
        *("execute_activity", "execute_activity_method", "start_activity", "start_activity_method"),
        *("execute_local_activity", "execute_local_activity_method", "execute_child_workflow"),
        *("start_child_workflow", "get_external_workflow_handle", "wait_condition", "sleep", "patched"),
        *("deprecate_patch", "continue_as_new", "upsert_search_attributes", "uuid4", "random"),
    )
)
"""What a workflow leaves in its history, or what decides about it."""


class Finding(NamedTuple):
    """A subject that was changed and not accounted for."""

    subject: str
    fingerprint: str
    changes: tuple[str, ...]

    def __str__(self) -> str:
        told = summary(self.changes) or "as last recorded"
        return (
            f"{self.subject} changed ({told}), and neither docs/adr nor {LOG} contains its fingerprint "
            f'{self.fingerprint}: run `ballast governance record --why "..."` and commit what it writes'
        )


def imports(root: Path) -> Facts:
    """The contracts between layers, and which top-level package imports which; those that put all parts
    together may import everything.
    """
    told = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    facts = {f"contract {contract['name']!r}": _canonical(contract) for contract in told["contracts"]}
    packages = set(told["root_packages"])
    for package in sorted(packages - TOGETHER):
        found = {name for file in (root / package).rglob("*.py") for name in _imported(file)}
        facts[f"package {package}"] = " ".join(sorted(found & packages - {package}))
    return facts


def workflows(root: Path) -> Facts:
    """What each function of a workflow asks of the engine, in the order of its text."""
    facts = {}
    for file in sorted((root / "workflows").rglob("*.py")):
        for name, function in _functions(ast.parse(file.read_text())):
            asked = [*_handlers(function), *_commands(function)]
            if asked:
                facts[f"{file.relative_to(root / 'workflows').as_posix()} {name}"] = ", ".join(asked)
    return facts


def schema(_root: Path) -> Facts:
    """Tables, indexes and triggers, as the revisions make them."""
    from sqlalchemy import text

    from adapters.storage.engine import connect
    from adapters.storage.migrate import upgrade

    engine = connect("sqlite://")
    upgrade(engine)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        facts = {f"{kind} {name}": " ".join(sql.split()) for kind, name, sql in rows}
    engine.dispose()
    return facts


def risk(root: Path) -> Facts:
    """Every reviewed value that keeps risk in bounds."""
    told = tomllib.loads((root / "config" / "trading.toml").read_text())
    return {f"{group}.{name}": repr(value) for group in REVIEWED for name, value in told[group].items()}


def models(_root: Path) -> Facts:
    """The models that predict, and the hours that they look ahead."""
    from trading.models.families import FAMILIES, LEARNERS
    from trading.models.labels import HORIZONS_H

    facts = {f"model {name}": "learner" if name in LEARNERS else "beside the learners" for name in FAMILIES}
    return facts | {"horizons": " ".join(map(str, HORIZONS_H))}


SUBJECTS: Mapping[str, Callable[[Path], Facts]] = {
    "the import graph": imports,
    "workflow commands": workflows,
    "the database schema": schema,
    "risk limits": risk,
    "the list of models": models,
}


def current(root: Path = ROOT) -> dict[str, Facts]:
    """The facts of every subject as they are now."""
    return {subject: facts(root) for subject, facts in SUBJECTS.items()}


def unaccounted(now: Mapping[str, Facts], recorded: Mapping[str, Facts], written: str) -> list[Finding]:
    """The subjects whose fingerprint stands nowhere in what was written, with what changed since recorded."""
    return [
        Finding(subject, mark, tuple(changes(recorded.get(subject, {}), facts)))
        for subject, facts in now.items()
        if (mark := fingerprint(facts)) not in written
    ]


def changes(before: Facts, now: Facts) -> list[str]:
    """What came, what went, and what became different."""
    changed = [name for name in sorted(set(before) & set(now)) if before[name] != now[name]]
    return [
        *(f"added: {name}" for name in sorted(set(now) - set(before))),
        *(f"removed: {name}" for name in sorted(set(before) - set(now))),
        *(f"changed: {name}{_from_to(before[name], now[name])}" for name in changed),
    ]


def summary(told: Sequence[str]) -> str:
    """The first changes, and how many more there are."""
    more = f"; and {len(told) - TOLD_MAX} more" if len(told) > TOLD_MAX else ""
    return "; ".join(told[:TOLD_MAX]) + more


def recorded(root: Path = ROOT) -> dict[str, Facts]:
    """The facts when somebody last recorded them."""
    file = root / RECORD
    told: dict[str, Facts] = json.loads(file.read_text()) if file.exists() else {}
    return told


def written(root: Path = ROOT) -> str:
    """All that accounts for structural changes."""
    files = [*sorted((root / DECISIONS).glob("*.md")), root / LOG]
    return "\n".join(file.read_text() for file in files if file.exists())


def _from_to(before: str, now: str) -> str:
    """Both values where they are short enough to read."""
    return f" from {before} to {now}" if max(len(before), len(now)) <= SHORT else ""


def _canonical(contract: Mapping[str, Any]) -> str:
    return json.dumps({name: contract[name] for name in contract if name != "name"}, sort_keys=True)


def _imported(file: Path) -> Iterator[str]:
    """The top-level names that a source file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _functions(
    tree: ast.AST, owner: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{owner}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{owner}{node.name}", node


def _handlers(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Whether the engine calls it: `@workflow.update`, `@workflow.signal(...)` and so on."""
    for decorator in function.decorator_list:
        if (text := ast.unparse(decorator)).startswith("workflow."):
            yield f"@{text}"


def _commands(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """What it asks of the engine: the command and, where it names one, whom it is for."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        called = ast.unparse(node.func)
        if called.startswith("workflow.") and called.removeprefix("workflow.") in COMMANDS:
            whom = node.args[0] if node.args else None
            named = f" {ast.unparse(whom)}" if isinstance(whom, ast.Attribute | ast.Name) else ""
            yield f"{called.removeprefix('workflow.')}{named}"
