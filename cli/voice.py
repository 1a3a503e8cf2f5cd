"""What `ballast up` says: hours on stdout, everything else on stderr."""

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from cli import narration

if TYPE_CHECKING:
    from adapters.storage.story import Story


class Voice:
    """Speaks to a person, or with `as_json` to a script: then stdout has one JSON object an hour."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._notes = Console(stderr=True, soft_wrap=True, highlight=False)
        self._hours = Console(soft_wrap=True, highlight=False)

    def say(self, note: str) -> None:
        """Something about the running system; may come from any thread."""
        self._notes.print(Text(note, style=narration.FAINT))

    def warn(self, note: str) -> None:
        self._notes.print(Text(note, style=narration.WARN))

    def hour(self, of: "Story") -> None:
        """An hour that is over."""
        if self._as_json:
            sys.stdout.write(json.dumps(narration.as_json(of)) + "\n")
            sys.stdout.flush()
            return
        for said in narration.narrate(of):
            self._hours.print(said)
