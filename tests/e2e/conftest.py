"""The built dashboard, and a real browser to look at it."""

import shutil

import pytest

from cli.supervisor.dashboard import WEB, build
from tests.browsing import Browser


@pytest.fixture(scope="session")
def built() -> None:
    """The exported page stands as its sources say; a minute when they changed."""
    said: list[str] = []
    assert build(said.append), "\n".join(said)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, (
        "no Chromium on this machine: `apt-get install chromium` (or any Chrome), then run this again"
    )
    return found


@pytest.fixture(scope="session")
def browser(built: None, chromium: str) -> Browser:
    return Browser(chromium, WEB)
