"""The `ballast` script against bad machines: each refusal says what to do, and nothing is left half done.

No test installs packages: a fake Python plays the interpreter, so that the script's own decisions are tried.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (
    "sh",
    "cat",
    "cksum",
    "dirname",
    "df",
    "awk",
    "mkdir",
    "rmdir",
    "ln",
    "rm",
    "ls",
    "sed",
    "tr",
    "sleep",
    "readlink",
)

FAKE_PYTHON = r"""#!/bin/sh
# Answers the version question, makes an empty environment, and notes each call.
echo "$*" >>"$CALLS"
case "$*" in
    *version_info*) echo "${FAKE_VERSION:-3.11}" ;;
    --version) echo "Python 3.11.9" ;;
    *ensurepip*) [ -z "${FAKE_NO_ENSUREPIP:-}" ] ;;
    *"-m venv"*)
        for folder; do :; done
        rm -rf "$folder"; mkdir -p "$folder/bin"; echo "version = 3.11.9" >"$folder/pyvenv.cfg"
        cp "$0" "$folder/bin/python"; ln -s python "$folder/bin/python3.11" ;;
    *"pip config list"*) printf '%s\n' "${FAKE_PIP_CONFIG:-}" ;;
    *"install -c"*uv*)
        [ -z "${FAKE_SLEEP:-}" ] || sleep "$FAKE_SLEEP"
        bin=$(dirname "$0")
        printf '#!/bin/sh\n(echo "uv $*"; env | grep -E "^(UV|SSL)_") >>"$CALLS"\n' >"$bin/uv"
        echo '[ -z "$FAKE_UV_FAILS" ]' >>"$bin/uv"
        printf '#!/bin/sh\necho "handed over: $*"\n' >"$bin/ballast"
        chmod +x "$bin/uv" "$bin/ballast" ;;
esac
"""


class Machine:
    """A copy of the script with its pins, a PATH of its own, and a record of what was called."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "a checkout"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.checkout.mkdir()
        self.bin.mkdir()
        for name in ("ballast", "pyproject.toml", "constraints.txt"):
            (self.checkout / name).write_bytes((ROOT / name).read_bytes())
        for tool in (*TOOLS, "cp", "chmod", "env", "grep"):
            (self.bin / tool).symlink_to(
                next(p for d in os.defpath.split(":") if (p := Path(d, tool)).exists())
            )
        self.venv = self.checkout / ".venv"
        self.stamp = self.venv / ".ballast-installed"
        self.lock = self.checkout / ".venv.lock"

    def with_python(self, name: str = "python3.11") -> "Machine":
        (self.bin / name).write_text(FAKE_PYTHON)
        (self.bin / name).chmod(0o755)
        return self

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", str(self.checkout / "ballast"), *arguments],
            env={"PATH": str(self.bin), "CALLS": str(self.calls)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a call; the record of calls starts anew."""
        self.calls.write_text("")
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_call_installs_and_the_second_only_hands_over(machine: Machine) -> None:
    status, out, err = machine.with_python().run("up", "--hours", "two words")
    assert (status, out) == (0, "handed over: up --hours two words\n")
    assert "making a virtual environment" in err
    assert f"-e {machine.checkout}[train]\n" in machine.calls.read_text()
    assert machine.run("up") == (0, "handed over: up\n", "")
    assert machine.calls.read_text() == ""
    assert not machine.lock.is_symlink()


def test_only_the_tests_need_the_development_packages(machine: Machine) -> None:
    machine.with_python().run("up")
    assert "packages for [train,dev]" in machine.run("test")[2]
    assert f"-e {machine.checkout}[train,dev]" in machine.calls.read_text()
    assert machine.run("up")[2] == machine.run("test")[2] == ""


def test_changed_pins_are_installed_over_what_stands(machine: Machine) -> None:
    machine.with_python().run("up")
    (machine.checkout / "constraints.txt").write_text("numpy==1\n")
    assert "installing" in machine.run("up")[2]
    assert "-m venv" not in machine.calls.read_text()


def test_a_moved_checkout_is_installed_afresh(machine: Machine) -> None:
    machine.with_python().run("up")
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    machine.run("up")
    assert "-m venv --clear" in machine.calls.read_text()


@pytest.mark.parametrize("lost", [".ballast-installed", "bin/python", "bin/ballast"])
def test_a_broken_environment_is_mended(machine: Machine, lost: str) -> None:
    machine.with_python().run("up")
    (machine.venv / lost).unlink()
    assert machine.run("up")[:2] == (0, "handed over: up\n")
    assert machine.run("up")[2] == ""


def test_an_interrupted_installation_is_made_afresh(machine: Machine) -> None:
    process = machine.with_python().start("up", FAKE_SLEEP="30")
    while not (machine.venv / "pyvenv.cfg").exists():
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert machine.lock.is_symlink()
    status, _, err = machine.run("up")
    assert (status, "making a virtual environment" in err) == (0, True)


def test_two_copies_take_turns_and_only_one_installs(machine: Machine) -> None:
    first = machine.with_python().start("up", FAKE_SLEEP="2")
    while not machine.lock.is_symlink():
        time.sleep(0.01)
    second = machine.start("up")
    assert second.communicate(timeout=60)[0] == first.communicate(timeout=60)[0] == "handed over: up\n"
    assert machine.calls.read_text().count("-m venv") == 1


def test_a_python_of_another_version_is_named_and_refused(machine: Machine) -> None:
    status, _, err = machine.with_python("python3").run("up", FAKE_VERSION="3.9")
    assert status == 1
    assert "Python 3.11 is needed; found: 3.9 (python3)" in err


def test_a_machine_without_python_is_told_what_to_install(machine: Machine) -> None:
    status, _, err = machine.run("up")
    assert status == 1
    assert "found: no Python. Install Python 3.11" in err


def test_a_plain_python3_will_do_when_its_version_is_right(machine: Machine) -> None:
    assert machine.with_python("python3").run("up")[0] == 0


def test_a_full_disk_is_noticed_before_anything_is_written(machine: Machine) -> None:
    status, _, err = machine.with_python().run("up", BALLAST_SPACE_MB="999999999")
    assert status == 1
    assert "the disk is too full" in err
    assert "999999999 MB needed" in err
    assert not machine.venv.exists()


def test_a_python_without_ensurepip_is_explained(machine: Machine) -> None:
    status, _, err = machine.with_python().run("up", FAKE_NO_ENSUREPIP="1")
    assert status == 1
    assert "python3.11-venv" in err
    assert not machine.lock.is_symlink()


def test_a_folder_that_is_no_environment_is_left_alone(machine: Machine) -> None:
    machine.venv.mkdir()
    (machine.venv / "thesis.txt").write_text("ten years of work")
    status, _, err = machine.with_python().run("up")
    assert status == 1
    assert "move it away" in err
    assert (machine.venv / "thesis.txt").read_text() == "ten years of work"


PIP_CONFIG = """:env:.find-links='here'
global.cert='ca.pem'
global.extra-index-url='file:///one file:///two'
global.find-links='ignored'
global.index-url='file:///main'
install.index-url='file:///install'"""


def test_uv_is_told_what_pip_was_told_by_pips_precedence(machine: Machine) -> None:
    machine.with_python().run("up", FAKE_PIP_CONFIG=PIP_CONFIG)
    told = machine.calls.read_text()
    assert "UV_DEFAULT_INDEX=file:///install\n" in told
    assert "UV_INDEX=file:///one file:///two\n" in told
    assert "UV_INDEX_STRATEGY=unsafe-best-match\n" in told
    assert "UV_FIND_LINKS=here\n" in told
    assert "SSL_CERT_FILE=ca.pem\n" in told


def test_torch_comes_without_cuda_from_a_folder_of_wheels_or_from_its_own_index(machine: Machine) -> None:
    machine.with_python().run("up", FAKE_PIP_CONFIG=PIP_CONFIG)
    assert "UV_TORCH_BACKEND" not in machine.calls.read_text()
    machine.stamp.unlink()
    machine.run("up")
    assert "UV_TORCH_BACKEND=cpu\n" in machine.calls.read_text()
    machine.stamp.unlink()
    machine.run("up", UV_TORCH_BACKEND="cu130")
    assert "UV_TORCH_BACKEND=cu130\n" in machine.calls.read_text()


def test_what_uv_was_told_by_the_user_stands(machine: Machine) -> None:
    machine.with_python().run("up", FAKE_PIP_CONFIG=PIP_CONFIG, UV_DEFAULT_INDEX="file:///mine")
    assert "UV_DEFAULT_INDEX=file:///mine\n" in machine.calls.read_text()


def test_pip_steps_in_when_uv_fails(machine: Machine) -> None:
    status, out, err = machine.with_python().run("up", FAKE_UV_FAILS="1")
    assert (status, out) == (0, "handed over: up\n")
    assert "trying pip" in err
    assert "--quiet install -e" in machine.calls.read_text()
