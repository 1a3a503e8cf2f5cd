"""Accounts, for administrators, and everybody's own tokens."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.guard import access_of, may
from api.access.passwords import LENGTH_MAX
from api.access.principal import Principal
from api.access.roles import Action, Role, Scope
from api.access.service import TOKEN_DAYS_MAX, Access
from api.problems import REFUSALS
from api.routes.session import NAME

router = APIRouter(prefix="/api", tags=["accounts"], responses=REFUSALS)

Service = Annotated[Access, Depends(access_of)]
Admin = Annotated[Principal, Depends(may(Action.MANAGE_USERS))]
Owner = Annotated[Principal, Depends(may(Action.MANAGE_TOKENS))]


class NewUser(BaseModel):
    """A person to add."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    name: str = Field(min_length=1, max_length=64, pattern=NAME, examples=["grace"])
    role: Role
    portfolios: list[str] = Field(min_length=1, max_length=100, examples=[["main"]])
    password: str | None = Field(None, max_length=LENGTH_MAX, examples=["correct horse battery staple"])
    subject: str | None = Field(None, max_length=400, description="Issuer and subject, joined by a space.")


class UserChange(BaseModel):
    """What to change about a person."""

    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    disabled: bool | None = None


class Person(BaseModel):
    """A person as an administrator sees them."""

    name: str
    role: Role
    disabled: bool
    portfolios: list[str]
    created: datetime


class NewToken(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=80, examples=["grafana"])
    scope: Scope
    days: int = Field(90, ge=1, le=TOKEN_DAYS_MAX)


class Token(BaseModel):
    """A token as its owner sees it later."""

    id: UUID
    name: str
    scope: Scope
    created: datetime
    expires: datetime
    revoked: datetime | None


class MadeToken(BaseModel):
    """A new token, with the secret that is shown this once."""

    id: UUID
    secret: str


@router.get("/users", summary="Everybody")
def users(_admin: Admin, access: Service) -> list[Person]:
    return [Person(**person._asdict()) for person in access.people()]


@router.post("/users", status_code=201, summary="Add a person")
def add_user(body: NewUser, admin: Admin, access: Service) -> Response:
    access.add_user(
        body.name, body.role, tuple(body.portfolios), body.password, by=admin.name, subject=body.subject
    )
    return Response(status_code=201)


@router.patch("/users/{name}", status_code=204, summary="Change a role, switch an account off or on")
def change_user(name: str, body: UserChange, admin: Admin, access: Service) -> Response:
    access.change_user(name, by=admin.name, role=body.role, disabled=body.disabled)
    return Response(status_code=204)


@router.get("/tokens", summary="My tokens")
def tokens(owner: Owner, access: Service) -> list[Token]:
    return [Token.model_validate(row, from_attributes=True) for row in access.tokens(owner.name)]


@router.post("/tokens", status_code=201, summary="Make a token")
def add_token(body: NewToken, owner: Owner, access: Service) -> MadeToken:
    made, secret = access.add_token(owner.name, body.name, body.scope, body.days, by=owner.name)
    return MadeToken(id=made, secret=secret)


@router.delete("/tokens/{token}", status_code=204, summary="Revoke a token")
def revoke_token(token: UUID, owner: Owner, access: Service) -> Response:
    access.revoke_token(owner.name, token, by=owner.name)
    return Response(status_code=204)
