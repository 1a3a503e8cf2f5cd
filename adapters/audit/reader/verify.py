"""Verify an exported audit log with nothing but Python 3.9 or later.

    python verify.py                      the log against the public key in this folder
    python verify.py --key 64HEXDIGITS    against a public key that you got by another way: do this
    python verify.py --anchored FILE ...  also against checkpoints that you fetched yourself

Exit status 0: every entry is as it was written. 1: the first bad entry is named. See README.md.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

SIGNED = ("checkpoint", "key")

# Ed25519, RFC 8032 section 5.1: the field, the curve's constant, the order of the base point.
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
L = 2**252 + 27742317777372353535851937790883648493
ROOT = pow(2, (P - 1) // 4, P)


class Point(NamedTuple):
    """Extended homogeneous coordinates, x = X / Z, y = Y / Z, x * y = T / Z."""

    x: int
    y: int
    z: int
    t: int


def add(a: Point, b: Point) -> Point:
    """RFC 8032 section 5.1.4."""
    s = (a.y - a.x) * (b.y - b.x) % P
    t = (a.y + a.x) * (b.y + b.x) % P
    u = 2 * a.t * b.t * D % P
    v = 2 * a.z * b.z % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def times(number: int, point: Point) -> Point:
    total = Point(0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def decoded(text: bytes) -> Optional[Point]:  # noqa: UP045 - an auditor's Python may be older than ours
    """RFC 8032 section 5.1.3; None for what is no point."""
    number = int.from_bytes(text, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if len(text) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return Point(x, y, 1, x * y % P)


def base() -> Point:
    point = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    if point is None:
        raise SystemExit("this Python cannot do arithmetic")
    return point


def signed(public: str, signature: str, statement: bytes) -> bool:
    """RFC 8032 section 5.1.7: s B = R + h A."""
    key, mark = bytes.fromhex(public), bytes.fromhex(signature)
    owner, commitment = decoded(key), decoded(mark[:32])
    s = int.from_bytes(mark[32:], "little")
    if owner is None or commitment is None or s >= L or len(mark) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(mark[:32] + key + statement).digest(), "little") % L
    left, right = times(s, base()), add(commitment, times(h, owner))
    return (left.x * right.z - right.x * left.z) % P == 0 and (left.y * right.z - right.y * left.z) % P == 0


class BadEntry(Exception):
    """The first entry that is not as it was written."""


def checkpoint(body: bytes, signer: str) -> "dict[str, Any]":
    """What a checkpoint says, if `signer` signed it."""
    told: dict[str, Any] = json.loads(body)
    statement = {name: value for name, value in told.items() if name != "signature"}
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if told["key"] != signer:
        raise BadEntry(f"it is signed by the key {told['key']}, not by {signer}")
    if not signed(signer, told["signature"], text.encode()):
        raise BadEntry("its signature is not good for what it says")
    return told


def content(line: "dict[str, Any]") -> bytes:
    """The stored bytes of an entry."""
    return base64.b64decode(line["body_base64"]) if "body_base64" in line else line["body"].encode()


class Walk:
    """How far along the chain the proof has come."""

    def __init__(self, manifest: "dict[str, Any]", signer: str, anchored: "list[bytes]") -> None:
        self.track, self.line, self.signer = manifest["track"], manifest["line"], signer
        self.seq, self.digest = manifest["first"] - 1, manifest["before"]
        self.anchored = {
            (told["line"], told["seq"]): body for body in anchored for told in [json.loads(body)]
        }
        self.attested, self.matched, self.restored = "nothing, for want of a checkpoint", 0, ""

    def step(self, line: "dict[str, Any]") -> None:
        """Take the next entry, or say why it is bad."""
        number, body, before = self.seq + 1, content(line), self.digest
        if line["seq"] != number:
            raise BadEntry(f"it is missing; entry {line['seq']} stands in its place")
        said = b"\0".join((line["kind"].encode(), line["portfolio"].encode(), body))
        self.digest = hashlib.sha256(bytes.fromhex(before) + number.to_bytes(8, "big") + said).hexdigest()
        if self.digest != line["digest"]:
            raise BadEntry(f"it was changed, or does not follow from entry {self.seq}")
        if line["kind"] == "restore":
            self.line = self.digest[:16]
            self.restored += f"; a backup was restored at entry {number}"
        if line["kind"] in SIGNED:
            told = checkpoint(body, self.signer)
            if (told["track"], told["line"], told["seq"], told["digest"]) != (
                self.track,
                self.line,
                self.seq,
                before,
            ):
                raise BadEntry(f"it attests another log than the one up to entry {self.seq}")
            self.attested = f"up to entry {self.seq} at {told['at']}"
            self.signer = told["next_key"] or self.signer
        if (self.line, number) in self.anchored:
            told = checkpoint(self.anchored[self.line, number], self.signer)
            if (told["track"], told["digest"]) != (self.track, self.digest):
                raise BadEntry("another log was attested outside; this one is a fork of it")
            self.matched = number
        self.seq = number


def walk(folder: Path, signer: str, anchored: "list[bytes]") -> str:
    """Follow the chain from the first entry to the last; returns what is proved, raises `BadEntry`."""
    manifest = json.loads((folder / "manifest.json").read_text())
    beginning = hashlib.sha256(b"ballast-audit/1\0" + manifest["track"].encode()).hexdigest()
    if manifest["first"] == 1 and manifest["before"] != beginning:
        raise BadEntry("entry 1: the log does not begin at the beginning of its track")
    way = Walk(manifest, signer, anchored)
    with (folder / "entries.jsonl").open("rb") as lines:
        for line in lines:
            try:
                way.step(json.loads(line))
            except BadEntry as bad:
                raise BadEntry(f"entry {way.seq + 1}: {bad}") from bad
    if way.seq != manifest["last"]:
        raise BadEntry(f"entry {way.seq + 1}: it is missing, with all up to {manifest['last']}")
    entries = f"{way.track}: entries {manifest['first']} to {way.seq} are as they were written"
    outside = (
        f"agrees with checkpoints outside up to entry {way.matched}"
        if way.matched
        else "none outside compared"
    )
    return f"{entries}; attested {way.attested}; {outside}{way.restored}"


def main() -> None:
    folder = Path(__file__).resolve().parent
    options = argparse.ArgumentParser(description="Verify the audit log in this folder.")
    options.add_argument("--key", default=(folder / "public.key").read_text().strip())
    options.add_argument("--anchored", nargs="*", type=Path, default=[folder / "anchored.jsonl"])
    chosen = options.parse_args()
    bodies = [line for file in chosen.anchored for line in file.read_bytes().splitlines() if line]
    try:
        said = walk(folder, chosen.key, bodies)
    except (BadEntry, KeyError, ValueError) as bad:
        sys.stdout.write(f"BAD: {bad}\n")
        raise SystemExit(1) from bad
    sys.stdout.write(f"GOOD: {said}\n")


if __name__ == "__main__":
    main()
