"""Does a proof notice when one of the two sides is another program? Every constant, rounding and comparison
on the way from a window to a settled state is changed, one at a time, on the proving side alone.

    python -m benchmarks.divergences --fates fates.jsonl
    python -m benchmarks.divergences --fates fates.jsonl --only trading/risk/cap.py

What the unchanged functions come to over thousands of made-up hours is the record; a divergence is caught
when some hour's decision, state, window or view differs, or cannot be computed. Everything runs as written,
but for features and correlations, which run compiled and are not changed. One that no hour shows is waived
where `waivers.py` shows why it cannot. A run that was broken off goes on with the fates it has.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from benchmarks.divergences.changes import Divergence
from benchmarks.divergences.groups import Group, groups
from benchmarks.divergences.judging import DIED, ESCAPED
from benchmarks.divergences.waivers import waived
from trading.compiled import sources_digest, use_cache

DECIDES = ("changes", "groups", "hours", "judging", "reach", "windows", "world")
"""Modules here on which a fate depends."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fates", type=Path, required=True, help="where each fate is written down")
    parser.add_argument("--only", default="", metavar="FILE", help="a source file, or a part of its path")
    parser.add_argument("--group", default="", choices=("", "decision", "market"), help="one half alone")
    told = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    use_cache(Path(tempfile.gettempdir()) / "ballast-benchmark-cache")
    only = told.only.removesuffix(".py").replace("/", ".")
    for group in [group for group in groups() if told.group in ("", group.name)]:
        some = [of for of in group.divergences if only in of.module]
        report(group.name, some, fates(group, some, told.fates))


def fates(group: Group, some: Sequence[Divergence], file: Path) -> Mapping[str, str]:
    """The fate of each divergence by its key, from the file where it is known for these very sources."""
    version, kept = _version(), dict[str, str]()
    if file.exists():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        kept = {line["key"]: line["fate"] for line in lines if line["version"] == version}
    left = [of for of in some if of.key not in kept]
    bench = group.bench() if left else None
    for n, of in enumerate(left):
        assert bench is not None
        kept[of.key] = bench.fate(of)
        with file.open("a") as log:
            log.write(json.dumps({"version": version, "key": of.key, "fate": kept[of.key]}) + "\n")
        sys.stderr.write(f"\r{sum(os.times()[:4]):6.0f} s  {group.name}: {n + 1} of {len(left)} ")
    return kept


def report(name: str, some: Sequence[Divergence], fate: Mapping[str, str]) -> None:
    """How many were caught, by module, and each that was not."""
    escaped = [of for of in some if fate[of.key] == ESCAPED]
    excused = [of for of in escaped if waived(of)]
    all_, out, excuse = (Counter(of.module for of in ofs) for ofs in (some, escaped, excused))
    rows = [(f"`{m}`", n, n - out[m], excuse[m], out[m] - excuse[m]) for m, n in sorted(all_.items())]
    total = (
        f"all of the {name}",
        len(some),
        len(some) - len(escaped),
        len(excused),
        len(escaped) - len(excused),
    )
    print("\n| module | divergences | caught | waived, shown equal | escaped |\n|---|---|---|---|---|")
    for row in (*rows, total):
        print("| " + " | ".join(map(str, row)) + " |")
    died = sum(fate[of.key] == DIED for of in some)
    print(f"\n{100 * total[2] / max(total[1], 1):.1f} % caught, {died} of them by the death of the process\n")
    for of in escaped:
        word = "waived" if waived(of) else "ESCAPED"
        print(f"- {word} `{of.module}:{of.line}` {of.function}: {of.what}: `{of.text}`")


def _version() -> str:
    """Of the program and of the hours that it is tried on."""
    own = b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in DECIDES)
    return sources_digest()[:16] + sha256(own).hexdigest()[:16]


if __name__ == "__main__":
    main()
