"""Signing in at the identity provider, where the installation has one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse

from api.access.guard import access_of, address_of, limited
from api.access.oidc import ATTEMPT_S, Oidc
from api.access.service import Access
from api.problems import REFUSALS, Refused
from api.routes.session import set_cookie

router = APIRouter(prefix="/api/oidc", tags=["session"], responses=REFUSALS)

ATTEMPT_COOKIE = "ballast_oidc"


def provider(request: Request) -> Oidc:
    oidc: Oidc | None = request.app.state.oidc
    if oidc is None:
        raise Refused(404, "no identity provider", "none is configured here; sign in by name and password")
    return oidc


ProviderOf = Annotated[Oidc, Depends(provider)]


@router.get("/begin", status_code=303, summary="Go to the identity provider")
def begin(request: Request, oidc: ProviderOf) -> RedirectResponse:
    limited(request.app.state.sign_in_buckets, address_of(request))
    begun = oidc.begin()
    response = RedirectResponse(begun.url, 303)
    response.set_cookie(
        ATTEMPT_COOKIE,
        begun.cookie,
        max_age=ATTEMPT_S,
        path="/api/oidc",
        httponly=True,
        secure=request.app.state.https,
        samesite="lax",
    )
    return response


@router.get("/done", status_code=303, summary="Come back from the identity provider")
def done(
    request: Request,
    oidc: ProviderOf,
    access: Annotated[Access, Depends(access_of)],
    code: Annotated[str, Query(max_length=2000)],
    state: Annotated[str, Query(max_length=200)],
) -> RedirectResponse:
    limited(request.app.state.sign_in_buckets, address_of(request))
    subject = oidc.finish(code, state, request.cookies.get(ATTEMPT_COOKIE, ""))
    opened = access.sign_in_as(subject, address_of(request))
    response = RedirectResponse("/", 303)
    set_cookie(request, response, opened.secret)
    response.delete_cookie(ATTEMPT_COOKIE, path="/api/oidc")
    return response
