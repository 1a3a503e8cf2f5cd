"""The dashboard is served as soon as it was built, and missed politely before."""

from pathlib import Path

from api.server import FOREVER, with_page
from tests.installation import World


def test_a_page_that_was_not_built_yet_is_not_found_and_then_served(world: World, tmp_path: Path) -> None:
    exported = tmp_path / "out"
    client = world.client()
    with_page(client.app, exported)
    assert client.get("/").status_code == 404
    (exported / "_next" / "static").mkdir(parents=True)
    (exported / "index.html").write_text("<p>here</p>")
    (exported / "_next" / "static" / "a.js").write_text("1")
    assert client.get("/").text == "<p>here</p>"
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert client.get("/_next/static/a.js").headers["cache-control"] == FOREVER
    assert client.get("/api/nothing").status_code == 404
