"""Signing in elsewhere, against a provider that speaks the real protocol, and lies where a test asks."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from api.access.oidc import Oidc, Provider
from api.access.roles import Role
from tests.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.installation import World


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    yield provider
    provider.close()


@pytest.fixture
def browser(world: World, provider: IdentityProvider) -> Iterator[Callable[[], TestClient]]:
    """A browser at an installation that knows the provider, with one person who has an account."""
    world.person("ada", Role.OPERATOR, subject=f"{provider.issuer} ada-at-work")
    known = Provider(provider.issuer, CLIENT, SECRET, "https://ballast.test/api/oidc/done")
    with httpx.Client() as http:
        world.client().app.state.oidc = Oidc(known, http)
        yield world.client


def come_back(
    client: TestClient, provider: IdentityProvider, subject: str = "ada-at-work", **change: str
) -> Any:
    begun = client.get("/api/oidc/begin", follow_redirects=False)
    assert begun.status_code == 303
    brought = provider.authorize(begun.headers["location"], subject) | change
    return client.get("/api/oidc/done", params=brought, follow_redirects=False)


def test_whoever_the_provider_vouches_for_is_signed_in(browser, provider, world: World) -> None:
    client = browser()
    answer = come_back(client, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/api/session").json()["name"] == "ada"
    assert ("sign-in", {"user": "ada", "address": "testclient"}) in world.written


def test_a_stranger_with_a_true_identity_stays_outside(browser, provider) -> None:
    client = browser()
    assert come_back(client, provider, subject="somebody-else").status_code == 403
    assert client.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "another application"},
        {"iss": "http://another.issuer"},
        {"nonce": "of another attempt"},
        {"exp": int(time.time()) - 3600},
        {"sub": None},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_an_identity_token_with_a_false_claim_is_refused(browser, provider, lie: dict[str, Any]) -> None:
    provider.claims = lie
    client = browser()
    assert come_back(client, provider).status_code == 403
    assert client.get("/api/session").status_code == 401


def test_an_answer_to_another_attempt_is_refused(browser, provider) -> None:
    victim, attacker = browser(), browser()
    begun = attacker.get("/api/oidc/begin", follow_redirects=False)
    brought = provider.authorize(begun.headers["location"], "ada-at-work")
    victim.get("/api/oidc/begin", follow_redirects=False)
    assert victim.get("/api/oidc/done", params=brought, follow_redirects=False).status_code == 403


def test_an_answer_without_an_attempt_is_refused(browser, provider) -> None:
    begun = browser().get("/api/oidc/begin", follow_redirects=False)
    brought = provider.authorize(begun.headers["location"], "ada-at-work")
    assert browser().get("/api/oidc/done", params=brought, follow_redirects=False).status_code == 403


def test_a_code_works_once(browser, provider) -> None:
    client = browser()
    begun = client.get("/api/oidc/begin", follow_redirects=False)
    attempt = client.cookies["ballast_oidc"]
    brought = provider.authorize(begun.headers["location"], "ada-at-work")
    assert client.get("/api/oidc/done", params=brought, follow_redirects=False).status_code == 303
    client.cookies.set("ballast_oidc", attempt, domain="ballast.test", path="/api/oidc")
    assert client.get("/api/oidc/done", params=brought, follow_redirects=False).status_code == 502


def test_a_key_that_the_provider_rotated_is_looked_up_again(browser, provider) -> None:
    assert come_back(browser(), provider).status_code == 303
    provider.rotate()
    assert come_back(browser(), provider).status_code == 303


def test_a_token_signed_by_another_key_is_refused(browser, provider) -> None:
    honest = provider._key
    client = browser()
    begun = client.get("/api/oidc/begin", follow_redirects=False)
    brought = provider.authorize(begun.headers["location"], "ada-at-work")
    provider.rotate()
    token = provider._token

    def signs_by_one_key_and_publishes_another(*asked: Any) -> dict[str, Any]:
        answer = token(*asked)
        provider._key = honest
        return answer

    provider._token = signs_by_one_key_and_publishes_another
    assert client.get("/api/oidc/done", params=brought, follow_redirects=False).status_code == 403


def test_the_attempt_asks_for_a_proof_of_possession(browser) -> None:
    asked = parse_qs(
        urlsplit(browser().get("/api/oidc/begin", follow_redirects=False).headers["location"]).query
    )
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) > 40
    assert asked["state"] != asked["nonce"]


def test_a_provider_that_does_not_answer_is_said_so(world: World) -> None:
    known = Provider("http://127.0.0.1:9", CLIENT, SECRET, "https://ballast.test/api/oidc/done")
    with httpx.Client() as http:
        client = world.client()
        client.app.state.oidc = Oidc(known, http)
        assert client.get("/api/oidc/begin", follow_redirects=False).status_code == 502
        client.app.state.oidc = None
        assert client.get("/api/oidc/begin", follow_redirects=False).status_code == 404
