"""A release is its hashes: what is damaged, missing or of other features is refused, and models expire."""

import pytest

from tests.releases import TRAINED_THROUGH, facts, release
from trading.errors import DataError
from trading.models.promotion import is_idle, unfit, unproven
from trading.models.release import MANIFEST, Release, expires


def test_a_release_survives_its_files():
    made = release()
    assert Release.of_files(made.files(), made.digest) == made
    assert set(made.artefacts()) == set(made.members)


def test_the_digest_covers_every_fact_and_every_byte():
    digests = {
        release().digest,
        release(graph=b"grapf").digest,
        *(release(**{name: "another"}).digest for name in ("preset", "venue", "data_digest", "code")),
        release(days={"BTC/USD": 2_000}).digest,
    }
    assert len(digests) == 7
    assert release().digest == release().digest


@pytest.mark.parametrize("name", [*release().files()])
@pytest.mark.parametrize("how", ["a flipped bit", "cut short", "gone", "another's"])
def test_a_damaged_bundle_is_refused_by_name(name, how):
    made = release()
    files = made.files()
    if how == "a flipped bit":
        files[name] = bytes([files[name][0] ^ 1]) + files[name][1:]
    elif how == "cut short":
        files[name] = files[name][:-1]
    elif how == "gone":
        del files[name]
    else:
        files[name] = release(graph=b"other").files()[name]
    part = "manifest" if name == MANIFEST else name.split(".")[0]
    with pytest.raises(DataError, match=f"the {part} .*{made.digest[:12]}"):
        Release.of_files(files, made.digest)


def test_a_release_of_other_features_is_refused():
    made = release(feature_set="f" * 64)
    with pytest.raises(DataError, match="other features"):
        Release.of_files(made.files(), made.digest)


def test_the_first_model_to_expire_ends_the_release():
    artefacts = release().artefacts()
    assert expires(artefacts) == TRAINED_THROUGH + 45 * 24
    late = {"trained_through": TRAINED_THROUGH + 100 * 24}
    fresh = {
        n: a._replace(meta=late) if n not in ("lstm", "transformer") else a for n, a in artefacts.items()
    }
    assert expires(fresh) == TRAINED_THROUGH + 120 * 24


def test_only_a_full_release_of_krakens_own_bars_is_fit_outside_replay():
    assert unfit(facts()) == []
    assert "quick" in unfit(facts(preset="quick"))[0]
    assert "binance" in unfit(facts(venue="binance"))[0]
    assert len(unfit(facts(proxy=True))) == 1


def test_a_promotion_needs_every_suite_and_a_year_of_each_instrument():
    passed = {"leakage", "forecasts", "strategy"}
    assert unproven(facts(), passed) == []
    assert unproven(facts(), passed - {"forecasts"}) == ["`ballast evaluate forecasts` has not been passed"]
    young = unproven(facts(days={"BTC/USD": 365, "NEW/USD": 364}), passed)
    assert young == ["less than 365 days of data: NEW/USD"]
    assert "no instrument at all" in unproven(facts(days={}), passed)[0]


@pytest.mark.parametrize(
    ("last_entry", "now", "idle"),
    [(None, 364.0, False), (None, 365.0, True), (200.0, 564.0, False), (200.0, 565.0, True)],
)
def test_a_champion_is_idle_after_twelve_months_without_an_entry(last_entry, now, idle):
    assert is_idle(0.0, last_entry, now) is idle
