"""Whoever asks, once known."""

from typing import NamedTuple
from uuid import UUID

from adapters.storage.accounts import EVERY_PORTFOLIO
from api.access.roles import Action, Role, Scope, allowed


class Principal(NamedTuple):
    """A person, by a browser session or by one of their tokens."""

    id: UUID
    name: str
    role: Role
    portfolios: frozenset[str]
    scopes: frozenset[Scope] | None
    """Of the token; None in a session."""
    csrf: str | None
    """What a session's changes must repeat in a header; None for a token."""

    def may(self, action: Action) -> bool:
        return allowed(self.role, action, self.scopes)

    def sees(self, portfolio: str) -> bool:
        return portfolio in self.portfolios or EVERY_PORTFOLIO in self.portfolios
