"""What an hour is computed with: this program's sources and reviewed values, Python, libraries, machine."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGES = (
    *("ballast-trading", "numpy", "polars", "numba", "llvmlite"),
    *("scikit-learn", "xgboost", "lightgbm", "onnxruntime"),
)
SOURCES = ("trading", "adapters/kraken", "config")
"""What turns replies into decisions."""
SUFFIXES = (".py", ".toml", ".json")


def environment() -> dict[str, str]:
    """By name; equal values compute equal bits."""
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in PACKAGES},
        **{f"sources of {name}": _digest(name) for name in SOURCES},
    }


def differences(made: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """What differs, one sentence each."""
    return [
        f"{name}: made with {made.get(name, 'nothing')}, here {here.get(name, 'nothing')}"
        for name in sorted({*made, *here})
        if made.get(name) != here.get(name)
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _digest(folder: str) -> str:
    package, *rest = folder.split("/")
    digest = hashlib.sha256()
    _add(digest, files(package).joinpath(*rest), "")
    return digest.hexdigest()[:16]


def _add(digest: "hashlib._Hash", place: Traversable, path: str) -> None:
    for part in sorted(place.iterdir(), key=lambda one: one.name):
        name = f"{path}/{part.name}"
        if part.is_dir():
            _add(digest, part, name)
        elif part.name.endswith(SUFFIXES):
            content = part.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode())
            digest.update(content)
