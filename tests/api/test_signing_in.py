"""Signing in, out, and all the ways it does not work."""

import re
import stat

import pytest

from adapters.storage.accounts import Accounts, SignIn
from adapters.storage.engine import reading
from api.access.limits import Buckets
from api.access.roles import Role, Scope
from api.access.service import FAILURES_OF_ADDRESS_MAX, FAILURES_OF_NAME_MAX
from api.app import SIGN_INS_BURST, SIGN_INS_PER_S
from tests.installation import PASSWORD, World


def attempt(client, name: str, password: str):
    return client.post("/api/session", json={"name": name, "password": password})


def test_the_first_administrator_needs_the_token_of_this_home_and_no_default_password(world: World) -> None:
    client = world.client()
    assert client.get("/api/session/state").json() == {"set_up": False, "oidc": False}
    token = client.app.state.setup_token.secret()
    assert stat.S_IMODE((world.home / "set-up-token").stat().st_mode) == 0o600
    body = {"name": "ada", "password": PASSWORD, "token": "guess"}
    assert client.post("/api/session/set-up", json=body).status_code == 403
    answer = client.post("/api/session/set-up", json={**body, "token": token})
    assert answer.status_code == 201
    assert answer.json()["role"] == "admin"
    assert client.get("/api/session").json()["name"] == "ada"
    assert not (world.home / "set-up-token").exists()
    again = world.client().post("/api/session/set-up", json={**body, "name": "eve", "token": token})
    assert again.status_code == 403


def test_a_spent_set_up_cannot_be_repeated_with_a_new_token(world: World) -> None:
    world.person("ada", Role.ADMIN)
    token = world.client().app.state.setup_token.secret()
    body = {"name": "eve", "password": PASSWORD, "token": token}
    assert world.client().post("/api/session/set-up", json=body).status_code == 409


def test_a_cookie_is_out_of_reach_of_scripts_and_of_other_sites(world: World) -> None:
    world.person("ada", Role.VIEWER)
    cookie = attempt(world.client(), "ada", PASSWORD).headers["set-cookie"]
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


def test_wrong_names_and_wrong_passwords_are_told_apart_by_nobody(world: World) -> None:
    world.person("ada", Role.VIEWER)
    world.person("off", Role.VIEWER)
    world.client().app.state.access.change_user("off", by="test", disabled=True)
    client = world.client()
    answers = [attempt(client, *pair) for pair in (("ada", "no"), ("bob", PASSWORD), ("off", PASSWORD))]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


def test_five_wrong_guesses_lock_the_name_for_a_quarter_of_an_hour(world: World) -> None:
    world.person("ada", Role.VIEWER)
    client = world.client()
    for _ in range(FAILURES_OF_NAME_MAX):
        assert attempt(client, "ada", "no").status_code == 401
    locked = attempt(client, "ada", PASSWORD)
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "900")
    assert ("sign-in-locked", {"user": "ada", "address": "testclient"}) in world.written
    world.clock.pass_(minutes=16)
    assert attempt(client, "ada", PASSWORD).status_code == 200


def test_a_success_forgives_the_guesses_before_it(world: World) -> None:
    world.person("ada", Role.VIEWER)
    client = world.client()
    for _ in range(3):
        for _ in range(FAILURES_OF_NAME_MAX - 1):
            attempt(client, "ada", "no")
            client.app.state.sign_in_buckets._held.clear()
        world.clock.pass_(seconds=1)
        assert attempt(client, "ada", PASSWORD).status_code == 200
        world.clock.pass_(seconds=1)


def test_an_address_that_tries_many_names_is_locked_out(world: World) -> None:
    world.person("ada", Role.VIEWER)
    client = world.client()
    for guess in range(FAILURES_OF_ADDRESS_MAX):
        client.app.state.sign_in_buckets._held.clear()
        attempt(client, f"name{guess}", "no")
    client.app.state.sign_in_buckets._held.clear()
    assert attempt(client, "ada", PASSWORD).status_code == 429


def test_a_flood_of_attempts_is_slowed_before_any_password_is_tried(world: World) -> None:
    client = world.client()
    client.app.state.sign_in_buckets = Buckets(SIGN_INS_PER_S, SIGN_INS_BURST, lambda: 0.0)
    answers = [attempt(client, f"name{guess}", "no").status_code for guess in range(15)]
    assert answers == [401] * 10 + [429] * 5


def test_a_session_ends_by_signing_out_idling_age_or_a_change_of_role(world: World) -> None:
    world.person("ada", Role.OPERATOR)
    for end in ("out", "idle", "age", "role"):
        client = world.signed_in("ada")
        assert client.get("/api/session").status_code == 200
        if end == "out":
            assert client.delete("/api/session").status_code == 204
        elif end == "idle":
            world.clock.pass_(hours=8, seconds=1)
        elif end == "age":
            for _ in range(24):
                world.clock.pass_(hours=7)
                client.get("/api/session")
            world.clock.pass_(hours=1)
        else:
            client.app.state.access.change_user("ada", by="test", role=Role.VIEWER)
        assert client.get("/api/session").status_code == 401, end


def test_a_session_that_is_used_stays(world: World) -> None:
    world.person("ada", Role.VIEWER)
    client = world.signed_in("ada")
    for _ in range(10):
        world.clock.pass_(hours=7)
        assert client.get("/api/session").status_code == 200


@pytest.mark.parametrize("sent", [None, "", "wrong"])
def test_a_change_by_a_browser_needs_the_value_that_only_our_page_knows(
    world: World, sent: str | None
) -> None:
    world.person("ada", Role.VIEWER)
    client = world.signed_in("ada")
    del client.headers["X-CSRF-Token"]
    headers = {} if sent is None else {"X-CSRF-Token": sent}
    body = {"name": "grafana", "scope": "read"}
    assert client.post("/api/tokens", json=body, headers=headers).status_code == 403
    assert client.get("/api/tokens").json() == []


def test_a_token_reads_until_it_is_revoked_or_expires(world: World) -> None:
    world.person("ada", Role.VIEWER)
    browser = world.signed_in("ada")
    made = browser.post("/api/tokens", json={"name": "grafana", "scope": "read", "days": 2}).json()
    program = world.client()
    program.headers["Authorization"] = f"Bearer {made['secret']}"
    assert program.get("/api/session").json()["csrf"] is None
    assert program.post("/api/tokens", json={"name": "more", "scope": "command"}).status_code == 403
    assert browser.delete(f"/api/tokens/{made['id']}").status_code == 204
    assert program.get("/api/session").status_code == 401
    late = world.with_token("ada", Scope.READ, days=2)
    world.clock.pass_(days=2)
    assert late.get("/api/session").status_code == 401


def test_nobody_revokes_the_token_of_another(world: World) -> None:
    world.person("ada", Role.VIEWER)
    world.person("bob", Role.VIEWER)
    made = world.signed_in("ada").post("/api/tokens", json={"name": "mine", "scope": "read"}).json()
    assert world.signed_in("bob").delete(f"/api/tokens/{made['id']}").status_code == 409
    program = world.client()
    program.headers["Authorization"] = f"Bearer {made['secret']}"
    assert program.get("/api/session").status_code == 200


def test_no_secret_is_stored_or_written_down(world: World) -> None:
    world.person("ada", Role.VIEWER)
    client = world.signed_in("ada")
    made = client.post("/api/tokens", json={"name": "grafana", "scope": "read"}).json()
    attempt(world.client(), "ada", "a wrong guess of mine")
    secrets = [PASSWORD, client.cookies["ballast_session"], made["secret"], "a wrong guess of mine"]
    world.engine.dispose()
    stored = b"".join(file.read_bytes() for file in world.home.iterdir())
    told = repr(world.written)
    for secret in secrets:
        assert secret.encode() not in stored
        assert secret not in told


def test_every_attempt_and_change_is_written_down(world: World) -> None:
    world.person("ada", Role.VIEWER)
    attempt(world.client(), "ada", "no")
    client = world.signed_in("ada")
    made = client.post("/api/tokens", json={"name": "grafana", "scope": "read"}).json()
    client.delete(f"/api/tokens/{made['id']}")
    client.delete("/api/session")
    kinds = [kind for kind, _ in world.written]
    assert kinds == ["user-added", "sign-in-failed", "sign-in", "token-added", "token-revoked", "sign-out"]
    with reading(world.engine) as session:
        assert [row.succeeded for row in session.query(SignIn).order_by(SignIn.at, SignIn.succeeded)] == [
            False,
            True,
        ]
        assert Accounts(session).any()


def test_poor_passwords_are_refused_with_what_to_do(world: World) -> None:
    world.person("root", Role.ADMIN)
    admin = world.signed_in("root")
    for password in ("short", "ada-ada-ada-ada", "x" * 257):
        body = {"name": "ada", "role": "viewer", "portfolios": ["main"], "password": password}
        answer = admin.post("/api/users", json=body)
        assert answer.status_code in (409, 422)
        assert re.search(r"character|name", answer.text)
        assert password not in answer.text


def test_a_malformed_request_is_a_problem_that_repeats_no_input(world: World) -> None:
    answer = world.client().post("/api/session", json={"name": "ada", "password": PASSWORD, "more": 1})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert PASSWORD not in answer.text


def test_every_answer_carries_the_secure_headers(world: World) -> None:
    for path in ("/api/session/state", "/api/session", "/nothing"):
        headers = world.client().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["strict-transport-security"].startswith("max-age=")
    assert world.client().get("/api/session/state").headers["cache-control"] == "no-store"
