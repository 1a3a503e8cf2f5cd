"""What a decision could see, as the API tells it, from the object that the hour left behind."""

import json

from adapters.objects import ObjectStore
from adapters.storage.engine import unit_of_work
from adapters.storage.hours import Stage
from api.access.roles import Role
from tests.history import BEGAN, with_a_past
from tests.installation import World
from trading.live.sight import Sight
from trading.portfolio import Market, Reading, View
from trading.records import blank

NAMES = ("BTC/USD", "ETH/USD", "SOL/USD")


def seen(world: World, summary: str = "{}") -> str:
    """Store what an hour saw: three coins, two of them in one cluster, one not eligible."""
    readings = blank(Reading, 3)
    for number, reading in enumerate(readings):
        reading.close, reading.eligible, reading.usable, reading.cluster = 600_000, 1, 1, min(number, 1)
        reading.sigma_24, reading.spread, reading.beta_ppm, reading.p24 = 0.04, float("nan"), 1_100_000, 0.6
    readings[0].eligible = 0
    sight = Sight(NAMES, View(blank(Market, 1)[0], readings), "a release", {})
    track = "replay-a-1"
    reference = ObjectStore(world.home / track).put_bytes(sight.dump())
    with unit_of_work(world.engine) as session:
        row = {"stage": "predict", "reference": reference, "summary": summary, "at": BEGAN}
        session.add(Stage(track=track, asof=BEGAN, **row))
    return track


def test_universe_clusters_and_predictions_are_what_the_hour_saw(world: World) -> None:
    with_a_past(world.engine)
    seen(world)
    world.person("ada", Role.VIEWER)
    told = world.signed_in("ada").get("/api/portfolios/main/market").json()
    assert (told["release"], told["breadth"]) == ("a release", 2)
    assert told["clusters"] == [{"cluster": 1, "instruments": ["ETH/USD", "SOL/USD"]}]
    bitcoin = told["instruments"][0]
    assert (bitcoin["close"], bitcoin["eligible"], bitcoin["beta"]) == ("60000", False, 1.1)
    assert (bitcoin["p24"], bitcoin["spread"]) == (0.6, None)


def test_every_model_is_told_with_what_it_said(world: World) -> None:
    with_a_past(world.engine)
    rows = {"BTC/USD": {"logit24": 0.5, "z24": None}}
    said = {"xgboost": {"artefact": "a" * 64, "trained_through": 480_000, "said": rows}}
    reference = ObjectStore(world.home / "replay-a-1").put_bytes(json.dumps(said).encode())
    seen(world, json.dumps({"release": "a release", "outputs": reference}))
    world.person("ada", Role.VIEWER)
    told = world.signed_in("ada").get("/api/portfolios/main/market/outputs").json()
    assert told["release"] == "a release"
    assert [(one["model"], one["said"]) for one in told["models"]] == [("xgboost", rows)]


def test_an_hour_that_a_policy_drives_has_no_models(world: World) -> None:
    with_a_past(world.engine)
    seen(world)
    world.person("ada", Role.VIEWER)
    assert world.signed_in("ada").get("/api/portfolios/main/market/outputs").json()["models"] == []


def test_an_hour_without_a_prediction_is_said_to_have_none(world: World) -> None:
    with_a_past(world.engine)
    world.person("ada", Role.VIEWER)
    assert world.signed_in("ada").get("/api/portfolios/main/market").status_code == 404


def test_a_home_without_releases_has_none(world: World) -> None:
    world.person("ada", Role.VIEWER)
    assert world.signed_in("ada").get("/api/models").json() == {"versions": [], "promotions": []}
