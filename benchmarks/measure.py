"""Runs contestants in processes of their own, turn by turn, and lays their medians side by side.

On a shared machine CPU seconds are the steadier figure, so they come first. Every contestant takes its turn
in every round, so that what else the machine does slows all alike; `others` is the share of the machine that
went to it. A script may report figures of its own as one line `RESULT {...}`; `loop_cpu_s` is the simulation
alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ENVIRONMENTS = "BALLAST_PEERS"
RESULT = "RESULT "
LIMIT_S = 900

Figures = dict[str, Any]


class Arm(NamedTuple):
    """One contestant: how to run it, and the arm that its ratios are taken against."""

    name: str
    command: Sequence[str]
    against: str = ""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--peers", action="store_true", help="also run the peers")
    options.add_argument(
        "--environments",
        type=Path,
        default=os.environ.get(ENVIRONMENTS),
        help=f"folder with the peers' virtual environments (default: ${ENVIRONMENTS})",
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true", help="print one object instead of a table")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "ballast-benchmarks")
    options.add_argument("--arm", help=argparse.SUPPRESS)
    return options


def own(script: str, options: argparse.Namespace, arm: str) -> list[str]:
    """The command line of one of our arms: the script again, with this interpreter."""
    return [sys.executable, script, "--work", str(options.work), "--arm", arm]


def peer(options: argparse.Namespace, environment: str, script: str, *arguments: str) -> list[str]:
    """The command line of a peer's script in its own environment."""
    if options.environments is None:
        sys.exit(
            f"--peers needs --environments or {ENVIRONMENTS}; benchmarks/README.md says how to make them"
        )
    python = Path(options.environments) / environment / "bin" / "python"
    if not python.exists():
        sys.exit(f"no environment {environment} in {options.environments}; see benchmarks/README.md")
    return [str(python), str(HERE / "peers" / script), str(options.work), *arguments]


def run(command: Sequence[str]) -> Figures:
    """One run to its end: CPU seconds of all its threads, wall seconds, peak memory, and its own figures."""
    environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}", "PYTHONWARNINGS": "ignore"}
    # Compiling every module anew at each start would be charged to whoever has more modules.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    busy, start = machine_busy_s(), time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            sys.exit(f"{command[1]} failed:\n{err.read()[-2_000:]}")
        lines = [line for line in out if line.startswith(RESULT)]
    cpu = used.ru_utime + used.ru_stime
    others = max(machine_busy_s() - busy - cpu, 0.0) / (wall * (os.cpu_count() or 1))
    own = json.loads(lines[-1].removeprefix(RESULT)) if lines else {}
    return {"cpu_s": cpu, "wall_s": wall, "rss_mib": used.ru_maxrss / 1024, "others": others, **own}


def machine_busy_s() -> float:
    """CPU seconds that the whole machine has been busy; 0 where the system does not say."""
    with suppress(OSError):
        user, nice, system, _idle, _wait, *rest = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        return sum(map(int, (user, nice, system, *rest[:3]))) / os.sysconf("SC_CLK_TCK")
    return 0.0


def report(figures: Figures) -> None:
    """What a script says of itself, for `run` to read."""
    print(RESULT + json.dumps(figures))


def interleaved(arms: Sequence[Arm], rounds: int) -> dict[str, Figures]:
    """Medians over rounds in which every arm takes its turn."""
    samples: dict[str, list[Figures]] = {arm.name: [] for arm in arms}
    for n in range(rounds):
        for arm in arms:
            print(f"round {n + 1} of {rounds}: {arm.name}", file=sys.stderr)
            samples[arm.name].append(run(arm.command))
    return {
        name: {key: statistics.median(sample[key] for sample in found) for key in found[0]}
        for name, found in samples.items()
    }


COLUMNS = {
    "loop_cpu_s": ("loop CPU s", ".4f"),
    "loop_wall_s": ("loop wall s", ".4f"),
    "result_cpu_s": ("result CPU s", ".2f"),
    "result_wall_s": ("result wall s", ".2f"),
    "epoch_cpu_s": ("epoch CPU s", ".3f"),
    "hour_cpu_us": ("hour CPU us", ".1f"),
    "inputs_cpu_s": ("inputs CPU s", ".2f"),
    "cpu_s": ("CPU s", ".2f"),
    "wall_s": ("wall s", ".2f"),
    "rss_mib": ("RSS MiB", ".0f"),
    "others": ("others", ".0%"),
    "fills": ("fills", ",.0f"),
    "final_equity": ("equity", ",.0f"),
    "epochs": ("epochs", ".0f"),
    "learned": ("learned", ".3f"),
}
RATIOS = (
    "loop_cpu_s",
    "loop_wall_s",
    "result_cpu_s",
    "result_wall_s",
    "epoch_cpu_s",
    "hour_cpu_us",
    "cpu_s",
    "wall_s",
    "rss_mib",
)


def ratios(arms: Sequence[Arm], results: dict[str, Figures]) -> dict[str, Figures]:
    """For each peer, how many times what its counterpart took it took itself."""
    found: dict[str, Figures] = {}
    for arm in arms:
        if arm.against:
            mine, ours = results[arm.name], results[arm.against]
            found[arm.name] = {key: mine[key] / ours[key] for key in RATIOS if key in mine and key in ours}
    return found


def show(arms: Sequence[Arm], results: dict[str, Figures], *, as_json: bool) -> None:
    """Print the medians and the ratios."""
    compared = ratios(arms, results)
    if as_json:
        print(json.dumps({"results": results, "ratios": compared}))
        return
    shown = {key: how for key, how in COLUMNS.items() if any(key in figures for figures in results.values())}
    print(f"{'':24}" + "".join(f"{title:>14}" for title, _ in shown.values()))
    for name, figures in results.items():
        cells = (f"{figures[key]:{how}}" if key in figures else "" for key, (_, how) in shown.items())
        print(f"{name:24}" + "".join(f"{cell:>14}" for cell in cells))
    for name, against in ((arm.name, arm.against) for arm in arms if arm.against):
        parts = ", ".join(f"{key.replace('_', ' ')} {x:,.1f}x" for key, x in compared[name].items())
        print(f"{name} against {against}: {parts}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
