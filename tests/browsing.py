"""A real browser, driven by the scenarios of `web/e2e`."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.installation import PASSWORD

SCENARIO_S = 420


class Seen(NamedTuple):
    """What a scenario came to."""

    found: Any
    errors: list[str]
    """What the pages complained about: console errors, answers of 400 and above."""


class Browser(NamedTuple):
    """Chromium, and the checkout of the pages."""

    chromium: str
    web: Path

    def play(self, scenario: str, base: str, **given: Any) -> Seen:
        """Play one scenario of `web/e2e/scenarios.mjs` against the dashboard at `base`."""
        told = {"chromium": self.chromium, "base": base, "password": PASSWORD, **given}
        return Seen(**self._node("run.mjs", scenario, json.dumps(told)))

    def lighthouse(self, url: str, cookie: str, *, phone: bool) -> Any:
        """Scores by category out of 100, and what they were taken off for."""
        told = {"chromium": self.chromium, "url": url, "cookie": cookie, "phone": phone}
        return self._node("lighthouse.mjs", json.dumps(told))

    def _node(self, script: str, *arguments: str) -> Any:
        done = subprocess.run(
            ["node", f"e2e/{script}", *arguments],
            cwd=self.web,
            capture_output=True,
            text=True,
            timeout=SCENARIO_S,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
