"""First set-up, signing in and out, and who is signed in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.guard import COOKIE, Known, access_of, address_of, limited
from api.access.passwords import LENGTH_MAX
from api.access.principal import Principal
from api.access.roles import MAY, Role
from api.access.service import SESSION_MAX, Access, Opened
from api.access.setup import SetupToken
from api.problems import REFUSALS, Refused
from trading.risk.trading_state import OPERATOR

router = APIRouter(prefix="/api/session", tags=["session"], responses=REFUSALS)

Service = Annotated[Access, Depends(access_of)]


NAME = f"^{OPERATOR.pattern}$"


class Credentials(BaseModel):
    """What a person signs in with."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    name: str = Field(min_length=1, max_length=64, pattern=NAME, examples=["ada"])
    password: str = Field(min_length=1, max_length=LENGTH_MAX, examples=["correct horse battery staple"])


class FirstSetUp(Credentials):
    """The first administrator; the token stands in the terminal and in the home folder."""

    token: str = Field(min_length=1, max_length=100, examples=["x4s…"])


class Me(BaseModel):
    """Who is signed in and what they may do."""

    name: str = Field(examples=["ada"])
    role: Role
    portfolios: list[str] = Field(examples=[["main"]])
    actions: list[str] = Field(examples=[["read", "halt"]])
    csrf: str | None = Field(description="Send it back as X-CSRF-Token with every change.")


class State(BaseModel):
    """What the sign-in page needs to know."""

    set_up: bool
    oidc: bool


@router.get("/state", summary="Whether there is an administrator yet, and an identity provider")
def state(request: Request, access: Service) -> State:
    return State(set_up=access.is_set_up(), oidc=request.app.state.oidc is not None)


@router.post("/set-up", status_code=201, summary="Create the first administrator")
def set_up(body: FirstSetUp, request: Request, response: Response, access: Service) -> Me:
    limited(request.app.state.sign_in_buckets, address_of(request))
    token: SetupToken = request.app.state.setup_token
    if not token.matches(body.token):
        raise Refused(403, "wrong token", "use the set-up link that `ballast up` prints")
    access.set_up(body.name, body.password)
    token.spend()
    return _signed_in(request, response, access.sign_in(body.name, body.password, address_of(request)))


@router.post("", summary="Sign in")
def sign_in(body: Credentials, request: Request, response: Response, access: Service) -> Me:
    limited(request.app.state.sign_in_buckets, address_of(request))
    return _signed_in(request, response, access.sign_in(body.name, body.password, address_of(request)))


@router.get("", summary="Who is signed in")
def me(principal: Known) -> Me:
    return _me(principal)


@router.delete("", status_code=204, summary="Sign out")
def sign_out(_principal: Known, request: Request, access: Service) -> Response:
    access.sign_out(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


def _signed_in(request: Request, response: Response, opened: Opened) -> Me:
    set_cookie(request, response, opened.secret)
    return _me(opened.principal)


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Give the browser its session; out of reach of scripts and of other sites."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_MAX.total_seconds()),
        path="/",
        httponly=True,
        secure=request.app.state.https,
        samesite="lax",
    )


def _me(principal: Principal) -> Me:
    return Me(
        name=principal.name,
        role=principal.role,
        portfolios=sorted(principal.portfolios),
        actions=sorted(action for action in MAY[principal.role] if principal.may(action)),
        csrf=principal.csrf,
    )
