"""Who may review a halt in live, by public key: `<folder>/<operator>.pub`, 64 hexadecimal digits in each.

An operator's private key stays with the operator; only the public key comes here.
"""

from pathlib import Path

from adapters.audit.keys import signed_by
from trading.risk.trading_state import OPERATOR

SUFFIX = ".pub"


class OperatorKeys:
    """The public keys of one folder, read anew each time: to take a person out is to take a file out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def refusal(self, operator: str, content: bytes, signature: str) -> str:
        """Why this is not the operator's signature of the content; empty if it is.

        Two operators with one key are one person, so neither counts.
        """
        keys = {file.stem: file.read_text().strip() for file in sorted(self._folder.glob(f"*{SUFFIX}"))}
        if not OPERATOR.fullmatch(operator) or operator not in keys:
            return f"no public key of {operator} is known"
        public = keys.pop(operator)
        for other, key in keys.items():
            if key == public:
                return f"{operator} and {other} have the same key; each person needs a key of their own"
        return "" if signed_by(public, signature, content) else f"this is not {operator}'s signature of it"
