"""A model release: every model that predicts, with all that must be known to trust it, under one digest.

The manifest holds the facts and the SHA-256 of every member; the digest of the manifest is the release's
identity. What does not match its hash is never loaded.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

from trading.clock import DAY_H
from trading.config import canonical_json
from trading.errors import DataError
from trading.features.library import digest as feature_set_digest
from trading.models.artefact import Artefact

MANIFEST = "manifest.json"
SUFFIX = ".model"
NETS = ("lstm", "transformer")
EXPIRY_D, EXPIRY_NETS_D = 45, 120
"""Days after the end of its training from which a model's word lets nobody in."""


class Facts(NamedTuple):
    """What a release says of itself."""

    preset: str
    preset_digest: str
    venue: str
    """Data venue of every bar that taught."""
    proxy: bool
    """The bars stand in for Kraken's, or were generated."""
    data_digest: str
    log_digest: str
    """Of the prediction log that taught stack and calibration, and that is judged before a promotion."""
    feature_set: str
    code: str
    """Version of the distribution, and a hash of the package's sources."""
    environment: Mapping[str, str]
    """Versions of Python and of the libraries that trained."""
    days: Mapping[str, int]
    """Days of bars of each instrument that taught."""
    first: int
    """First asof that it predicts without having seen its outcome."""


class Release(NamedTuple):
    """Facts and members; a member is the dump of an `Artefact` under its family's name."""

    facts: Facts
    members: Mapping[str, bytes]

    @property
    def manifest(self) -> bytes:
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.members.items()}
        return canonical_json({"facts": self.facts._asdict(), "members": hashes})

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: the release's identity."""
        return hashlib.sha256(self.manifest).hexdigest()

    def files(self) -> dict[str, bytes]:
        """The bundle: the manifest and one file a member."""
        members = {f"{name}{SUFFIX}": content for name, content in self.members.items()}
        return {MANIFEST: self.manifest, **members}

    @classmethod
    def of_files(cls, files: Mapping[str, bytes], digest: str) -> "Release":
        """The release that `files` wrote under `digest`; a `DataError` names what is damaged or missing."""
        manifest = files.get(MANIFEST, b"")
        if hashlib.sha256(manifest).hexdigest() != digest:
            raise DataError(f"the manifest is not that of release {digest[:12]}; register the release again")
        head = json.loads(manifest)
        members = {name: files.get(f"{name}{SUFFIX}", b"") for name in head["members"]}
        for name, expected in head["members"].items():
            if hashlib.sha256(members[name]).hexdigest() != expected:
                raise DataError(
                    f"the {name} of release {digest[:12]} is damaged or missing; register the release again"
                )
        release = cls(Facts(**head["facts"]), members)
        if release.facts.feature_set != feature_set_digest():
            raise DataError(
                f"release {digest[:12]} knows other features than this Ballast computes; train anew"
            )
        return release

    def artefacts(self) -> dict[str, Artefact]:
        """The members, parsed."""
        return {name: Artefact.parse(content) for name, content in self.members.items()}


def expires(artefacts: Mapping[str, Artefact]) -> int:
    """First asof at which some member has expired."""
    return min(artefact.trained_through + expiry_h(name) for name, artefact in artefacts.items())


def expiry_h(family: str) -> int:
    """Hours after `trained_through` that a model may be asked, for entries."""
    return DAY_H * (EXPIRY_NETS_D if family in NETS else EXPIRY_D)
