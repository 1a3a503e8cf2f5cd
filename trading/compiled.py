"""Compile plain functions, so that one source serves the live hour (uncompiled) and the backtest (compiled).

The decision step and the feature kernels are ordinary Python in the subset that numba understands: loops,
integers, floats, named tuples of arrays. Nothing there imports numba. `compiled(function)` copies the
function and every `trading` function it calls, compiles the copies, and leaves the originals as they were.

1. Compiled and uncompiled runs give the same bits: no fastmath, no parallel loops, no transcendental
   functions (numba does not contract a*b+c; evidence: `docs/adr/0002-one-source-compiled-and-plain.md`).
2. Integers wrap silently when compiled. Whoever calls a compiled money loop checks the bounds first
   (`trading.instruments.check_magnitudes`).
3. numba's disk cache notices a change in the function's own file only, while constants of other modules are
   baked in. `use_cache` therefore keys the folder by the content of every source file under `trading/`.
4. numba is imported by the first compilation: it takes half as long as everything else that a process needs
   which loads a release and waits for its hour.
"""

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dis import get_instructions
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

SOURCE = Path(__file__).parent


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Spare an import something that it would look for and do without; what is loaded already stays."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


@cache
def _numba() -> Any:
    with _without("coverage"):  # 13 MiB, for reports on numba itself
        import numba
    with _without("scipy.linalg"):  # 0.1 s, for products that are banned here
        import_module("numba.np.arraymath")
    return numba


CACHES_KEPT = 4
"""Each change of the sources begins a new folder of compiled code; the least recently used ones go."""

ALLOCATING = ("trading.correlation", "trading.features", "trading.ledger.bootstrap")
"""Modules whose compiled functions make arrays; anywhere else, numba refuses to compile one that does."""

F = TypeVar("F", bound=Callable[..., Any])

_folder: Path | None = None
"""Where compiled code is kept on disk."""


def sources_digest() -> str:
    """SHA-256 over the path, length and content of every source file under `trading/`."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(SOURCE)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def use_cache(folder: Path) -> None:
    """From the next compilation on, keep compiled code in a subfolder of `folder` named by the sources."""
    global _folder
    target = folder / sources_digest()[:16]
    target.mkdir(parents=True, exist_ok=True)
    target.touch()
    for old in sorted(folder.iterdir(), key=lambda kept: kept.stat().st_mtime)[:-CACHES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    _folder = target


@cache
def compiled(function: F) -> F:
    """The compiled twin of `function`, made once a process; compiles on its first call with given types."""
    twin = _numba().njit(_copied(function), **_options(function))
    if _folder is not None:
        twin._cache = _kept(twin.py_func, _folder)
    else:
        _link(twin.py_func)
    return cast(F, twin)


def _kept(function: FunctionType, folder: Path) -> Any:
    """numba's disk cache, less what only a compilation needs: twins of all callees, and the registration of
    every function that numba knows, which takes longer than loading a whole backtest.
    """
    from numba.core.caching import FunctionCache
    from numba.core.runtime.nrt import rtsys

    _numba().config.CACHE_DIR = str(folder)
    kept: Any = FunctionCache(function)  # type: ignore[no-untyped-call]

    def load_overload(sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with kept._guard_against_spurious_io_errors():
            found = kept._load_overload(sig, target_context)
        if found is None:
            _link(function)
        return found

    kept.load_overload = load_overload
    return kept


@cache
def _callee(function: F) -> F:
    """The twin that compiled code calls. Python cannot call it: that saves a third of the compile time."""
    options = _options(function) | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    source = _copied(function)
    _link(source)
    twin = _numba().njit(source, **options)
    resolve, plain = twin.get_call_template, _numba().core.types.unliteral

    def resolve_once(args: Any, kws: Any) -> Any:
        # A constant argument is a type of its own to numba; one twin for all values is enough.
        return resolve(tuple(plain(arg) for arg in args), {name: plain(kw) for name, kw in kws.items()})

    twin.get_call_template = resolve_once
    return cast(F, twin)


def _options(function: Any) -> dict[str, Any]:
    module = function.__module__
    # Features divide floats as NumPy does, so that loops vectorise; elsewhere a zero divisor raises.
    model = "numpy" if module.startswith("trading.features") else "python"
    # Counting references to arrays that the caller holds anyway took two thirds of the backtest loop.
    counts = module.startswith(ALLOCATING) or not module.startswith("trading.")
    return {"nogil": True, "boundscheck": False, "error_model": model, "_nrt": counts}


def _copied(function: Any) -> FunctionType:
    """A copy of `function` with globals of its own."""
    copy = FunctionType(
        function.__code__, dict(function.__globals__), function.__name__, function.__defaults__
    )
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _link(copy: FunctionType) -> None:
    """Let the calls of a copy to functions of `trading` or its own package go to compiled twins."""
    used = {step.argval for step in get_instructions(copy) if step.opname == "LOAD_GLOBAL"}
    ours = {"trading", copy.__module__.split(".")[0]}
    for name in used:
        called = copy.__globals__.get(name)
        if isinstance(called, FunctionType) and called.__module__.split(".")[0] in ours:
            copy.__globals__[name] = _callee(called)
