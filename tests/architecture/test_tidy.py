"""Style as a test: sizes, banned calls, tracked files. Each rule is also tried on a planted offence."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = (
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
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TRACKED_BYTES_MAX = 1 << 20

IMPURE = re.compile(
    r"(time\.\w+|datetime\.(datetime|date)\.(now|utcnow|today)|os\.(environ|getenv|urandom)|uuid\.uuid[14]|secrets\.\w+"
    r"|random\.(?!Random$)\w+|numpy\.random\.(?!(default_rng|Generator|PCG64|SeedSequence)$)\w+"
    r")"
)
"""Calls and attributes that make a function depend on more than its arguments."""

UNSEEDED = re.compile(r"(random\.Random|numpy\.random\.(default_rng|PCG64|SeedSequence))")
"""Sources of chance that are pure when they are given a seed."""

TERMINAL_AND_FILES = {"open", "print", "input"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "unlink", "touch"}
MAY_READ_FILES = {"trading/compiled.py"}

INEXACT = re.compile(
    r"(numpy\.(log|log2|log10|log1p|exp|expm1|sum|nansum|dot|matmul|mean|nanmean|std|var|power|einsum)"
    r"|math\.(log|log2|log10|log1p|exp|expm1|pow|fsum))"
)
"""Their bits differ between processors, libraries or array layouts."""

MAY_BE_INEXACT = (
    "trading/models/",
    "trading/ledger/",
    "trading/policies/",
    "trading/backtest/report/",
    "trading/evaluation/",
)
"""Statistics, learners and drawings: their results are recorded, or compared with a tolerance."""


def names_of_imports(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: {"np": "numpy", "now": "datetime.datetime.now"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0]
                for a in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """The full name that an expression such as `np.random.rand` refers to, if it begins with an import."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return owner and f"{owner}.{node.attr}"
    return None


def offences(path: str, source: str) -> Iterator[str]:
    """What breaks the rules in one source file of the product, as `path:line: what`."""
    lines = source.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield f"{path}: {len(lines)} lines, at most {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", line):
            yield f"{path}:{number}: unfinished work"
    tree = ast.parse(source)
    names = names_of_imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"
        elif path.startswith(("trading/", "workflows/")):
            yield from (f"{path}:{node.lineno}: {what}" for what in impurities(path, node, names))  # type: ignore[attr-defined]


def impurities(path: str, node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    """What a node of the pure core, or of a workflow, may not do."""
    exact = not path.startswith(MAY_BE_INEXACT)
    if isinstance(node, ast.Attribute | ast.Name):
        name = dotted(node, names) or ""
        if IMPURE.fullmatch(name):
            yield f"{name} is not pure"
        if exact and INEXACT.fullmatch(name):
            yield f"{name} is not exact"
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in TERMINAL_AND_FILES:
            yield f"{node.func.id} is not pure"
        if UNSEEDED.fullmatch(dotted(node.func, names) or "") and not node.args:
            yield "unseeded chance"
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in FILE_METHODS
            and path not in MAY_READ_FILES
        ):
            yield f"{node.func.attr} touches a file"
    if path.startswith("trading/features/") and isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            yield "a matrix product is not exact"
        if isinstance(node.op, ast.Pow) and not isinstance(node.left, ast.Constant):
            yield "a power is not exact"


def checks_something(function: ast.FunctionDef) -> bool:
    """Whether a test asserts, expects an error, or hands over to a function that says it checks."""
    called = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or any(
        re.search(r"(^|[._])(raises|assert\w*|check\w*|fail)$", name) for name in called
    )


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


MACHINE_PATH = re.compile(r"/(work|root|home|tmp|opt|farm|Users)/[A-Za-z0-9._-]+")
REGISTRY = re.compile(
    "|".join(
        (r"pypi\.o" + "rg", r"pythonhost" + "ed", r"npmjs\.c" + "om", r"npmjs\.o" + "rg", r"debian\.o" + "rg")
    )
)


def tracked_offences(name: str, content: bytes) -> Iterator[str]:
    """What no tracked file may hold: weight, a path of somebody's machine, the address of a registry."""
    if len(content) > TRACKED_BYTES_MAX:
        yield f"{name}: {len(content)} bytes, at most {TRACKED_BYTES_MAX}"
    text = content.decode(errors="replace")
    yield from (f"{name}: path of a machine {hit[0]}" for hit in MACHINE_PATH.finditer(text))
    yield from (f"{name}: registry {hit[0]}" for hit in REGISTRY.finditer(text))


def test_the_product_is_tidy() -> None:
    found = [
        o for path in sources(*PRODUCT) for o in offences(path.relative_to(ROOT).as_posix(), path.read_text())
    ]
    assert not found, "\n".join(found)


def test_tracked_files_are_light_and_name_no_machine_and_no_registry() -> None:
    found = [offence for name in tracked() for offence in tracked_offences(name, (ROOT / name).read_bytes())]
    assert not found, "\n".join(found)


def test_every_test_can_fail() -> None:
    idle = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} checks nothing"
        for path in sources("tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not checks_something(node)
    ]
    assert not idle, "\n".join(idle)


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


PLANTED = {
    "import time\ndef f() -> float:\n    return time.time()\n": "time.time is not pure",
    "from time import monotonic as m\nx = m()\n": "time.monotonic is not pure",
    "from datetime import datetime\nx = datetime.now()\n": "datetime.datetime.now is not pure",
    "import datetime as d\nx = d.date.today()\n": "datetime.date.today is not pure",
    "import os\nx = os.environ['HOME']\n": "os.environ is not pure",
    "def f() -> None:\n    print(1)\n": "print is not pure",
    "x = open('f')\n": "open is not pure",
    "from pathlib import Path\nx = Path('f').read_text()\n": "read_text touches a file",
    "import random\nx = random.random()\n": "random.random is not pure",
    "import random\nx = random.Random()\n": "unseeded chance",
    "import numpy as np\nx = np.random.rand(3)\n": "numpy.random.rand is not pure",
    "import numpy as np\nx = np.random.default_rng()\n": "unseeded chance",
    "import numpy as np\nx = np.log(2.0)\n": "numpy.log is not exact",
    "from numpy import dot\nx = dot([1], [2])\n": "numpy.dot is not exact",
    "from math import exp\nx = exp(1.0)\n": "math.exp is not exact",
    "def f(x: float) -> float:\n    return x**2\n": "a power is not exact",
    "# TO" + "DO: later\n": "unfinished work",
    "x = 1\n" * 401: "401 lines, at most 400",
    "def f() -> None:\n" + "    x = 1\n" * 70: "f has 71 lines, at most 70",
}


@pytest.mark.parametrize("source", PLANTED, ids=PLANTED.values())
def test_a_planted_offence_is_found(source: str) -> None:
    found = list(offences("trading/features/planted.py", source))
    assert len(found) == 1
    assert found[0].endswith(PLANTED[source])


INNOCENT = {
    "trading/features/a.py": "import numpy as np\nx = np.random.default_rng(7).normal()\ny = 10**8\n",
    "trading/b.py": "from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)\ny = 3.0**2\n",
    "trading/ledger/c.py": "import numpy as np\nx = np.log(np.sum([1.0]))\n",
    "adapters/d.py": "import time\nprint(time.time())\n",
    "workflows/e.py": "from temporalio import workflow\nx = workflow.now()\ny = workflow.uuid4()\n",
}


def test_a_workflow_that_reads_the_clock_is_found() -> None:
    found = list(offences("workflows/planted.py", "from datetime import datetime\nx = datetime.now()\n"))
    assert found == ["workflows/planted.py:2: datetime.datetime.now is not pure"]


@pytest.mark.parametrize("path", INNOCENT)
def test_what_is_allowed_is_let_pass(path: str) -> None:
    assert not list(offences(path, INNOCENT[path]))


@pytest.mark.parametrize(
    "content",
    [b"x" * (TRACKED_BYTES_MAX + 1), b"see /ho" + b"me/me/file", b"https://py" + b"pi.o" + b"rg/simple"],
)
def test_a_planted_path_registry_or_heavy_file_is_found(content: bytes) -> None:
    assert len(list(tracked_offences("planted", content))) == 1


def test_a_test_that_checks_nothing_is_found() -> None:
    idle, busy = ast.parse("def test_a():\n    f()\ndef test_b():\n    assert f()\n").body
    assert isinstance(idle, ast.FunctionDef)
    assert isinstance(busy, ast.FunctionDef)
    assert (checks_something(idle), checks_something(busy)) == (False, True)
