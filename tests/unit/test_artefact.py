"""An artefact is its bytes: the same content the same bytes, and damage is noticed."""

import pytest

from trading.errors import DataError, UsageError
from trading.models.artefact import GRAPH, Artefact
from trading.models.presets import PRESETS, preset

GIVEN = Artefact("forest", {"trained_through": 7, "seed": 3}, {GRAPH: b"graph", "a.npy": b"", "z": b"\0" * 9})


def test_an_artefact_survives_storage_and_its_order_does_not_matter():
    again = Artefact.parse(GIVEN.dump())
    assert again == GIVEN
    turned = GIVEN._replace(parts=dict(reversed(GIVEN.parts.items())), meta={"seed": 3, "trained_through": 7})
    assert turned.digest == GIVEN.digest == again.digest
    assert again.trained_through == 7


@pytest.mark.parametrize("damage", [b"", b"BALLAST1", b"pickle!!" * 9])
def test_what_is_no_artefact_is_refused(damage: bytes):
    with pytest.raises(DataError):
        Artefact.parse(damage)


def test_an_artefact_that_lost_or_gained_a_byte_is_refused():
    for content in (GIVEN.dump()[:-1], GIVEN.dump() + b"0", GIVEN.dump()[:20]):
        with pytest.raises(DataError):
            Artefact.parse(content)


def test_every_number_of_a_preset_is_part_of_its_digest_and_its_name_is_not():
    full = preset("full")
    assert len({p.digest for p in PRESETS.values()}) == len(PRESETS)
    assert full._replace(name="other").digest == full.digest
    assert full._replace(forest=full.forest._replace(depth=6)).digest != full.digest
    with pytest.raises(UsageError, match="smoke"):
        preset("huge")
