"""Who is asking, by session cookie or bearer token, once a request, with the checks that go with it.

A change by a browser session needs the session's CSRF value in a header; a token does not, since no browser
sends it by itself.
"""

from collections.abc import Awaitable, Callable
from secrets import compare_digest
from typing import Annotated

from fastapi import Depends, Request

from api.access.limits import Buckets
from api.access.principal import Principal
from api.access.roles import Action
from api.access.service import Access, sha256
from api.problems import Refused

COOKIE = "ballast_session"
PRINCIPAL = "ballast.principal"
CSRF_HEADER = "X-CSRF-Token"
READS = frozenset({"GET", "HEAD", "OPTIONS"})


def access_of(request: Request) -> Access:
    """The accounts that the application was made with."""
    access: Access = request.app.state.access
    return access


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def limited(buckets: Buckets, caller: str) -> None:
    """Count a request of `caller`; `Refused` when it asks too often."""
    wait_s = buckets.take(caller)
    if wait_s > 0:
        raise Refused(429, "too many requests", "wait and ask again", retry_after_s=int(wait_s) + 1)


def known(request: Request) -> Principal:
    """Whoever asks; `Refused` with 401 when nobody we know, 403 for a change without its CSRF value.

    Once a request: asked again for the same one, it says the same and counts nothing.
    """
    # In the scope, which is one request's own; its `state` a server might share.
    told: Principal | None = request.scope.get(PRINCIPAL)
    if told is None:
        told = request.scope[PRINCIPAL] = _found(request)
    return told


def _found(request: Request) -> Principal:
    buckets: Buckets = request.app.state.buckets
    bearer = request.headers.get("Authorization", "")
    if bearer.startswith("Bearer "):
        secret = bearer.removeprefix("Bearer ")
        principal = access_of(request).of_token(secret)
    else:
        secret = request.cookies.get(COOKIE, "")
        principal = access_of(request).of_session(secret) if secret else None
    if principal is None:
        limited(buckets, address_of(request))
        raise Refused(401, "not signed in", "sign in, or send a valid token")
    limited(buckets, sha256(secret))
    if principal.csrf is not None and request.method not in READS:
        sent = request.headers.get(CSRF_HEADER, "")
        if not compare_digest(sent.encode(), principal.csrf.encode()):
            raise Refused(403, "CSRF check failed", f"send the session's value in {CSRF_HEADER}")
    return principal


Known = Annotated[Principal, Depends(known)]


def may(action: Action) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency: whoever asks, if they may do `action`."""

    # A coroutine: it waits for nothing, and a trip to another thread costs more than all it does.
    async def check(principal: Known) -> Principal:
        return allowed(principal, action)

    return check


def allowed(principal: Principal, action: Action) -> Principal:
    """The same, if they may do `action`."""
    if not principal.may(action):
        raise Refused(403, "not allowed", f"a {principal.role} with this session or token may not {action}")
    return principal


Reader = Annotated[Principal, Depends(may(Action.READ))]


def seen(principal: Principal, portfolio: str) -> None:
    """Go on only if the portfolio is theirs; whether it exists is not told."""
    if not principal.sees(portfolio):
        raise Refused(404, "no such portfolio", f"there is no portfolio {portfolio} that you may see")
