"""The page's client is generated from the document that the API gives now."""

from pathlib import Path

from api.openapi import document

WEB = Path(__file__).resolve().parents[2] / "web"


def test_the_stored_document_is_the_one_that_the_api_gives() -> None:
    stored = (WEB / "openapi.json").read_text()
    assert stored == document(), "run `python -m api.openapi web/openapi.json` and `npm run client` in web/"
