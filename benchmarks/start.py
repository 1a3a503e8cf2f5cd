"""From nothing to a loaded release, read from its files and verified, beside the import of its libraries.

    python benchmarks/start.py --home HOME [--rounds 9] [--json]

The newest release of a home (`ballast train --preset quick --venue generated` makes one). `libraries` imports
NumPy, polars and ONNX Runtime and nothing of ours: nothing that predicts can start earlier. CPU seconds count
from the start of the interpreter.
"""

import hashlib
import sys
from pathlib import Path

from measure import Arm, interleaved, own, parser, report, show

LIMIT_S = 0.5


def loaded(folder: Path) -> None:
    from trading.models.release import MANIFEST, Release
    from trading.models.serving import Serving

    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    Serving(Release.of_files(files, hashlib.sha256(files[MANIFEST]).hexdigest()))


def libraries() -> None:
    import numpy  # noqa: F401
    import onnxruntime  # noqa: F401
    import polars  # noqa: F401


def newest(home: Path) -> Path:
    found = sorted((home / "models").rglob("release/manifest.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        sys.exit(
            f"no release in {home}: `ballast train --preset quick --venue generated --home {home}` makes one"
        )
    return found[-1].parent


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--home", type=Path, required=True)
    given = options.parse_args()
    if given.arm:
        loaded(newest(given.home)) if given.arm == "release" else libraries()
        report({})
        return
    ours, floor = (
        [*own(str(Path(__file__)), given, arm), "--home", str(given.home)] for arm in ("release", "libraries")
    )
    arms = [Arm("libraries", floor), Arm("release", ours, "libraries")]
    results = interleaved(arms, given.rounds)
    show(arms, results, as_json=given.json)
    kept = results["release"]["cpu_s"] <= LIMIT_S
    print(f"limit {LIMIT_S} CPU s: {'kept' if kept else 'broken'}", file=sys.stderr)


if __name__ == "__main__":
    main()
