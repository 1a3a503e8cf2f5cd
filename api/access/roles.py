"""Who may do what, as one table.

Anyone who may act at all may tighten: stopping entries needs no second thought. Loosening and promoting are
kept apart from asking for them, and whoever keeps the accounts trades nothing.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a person is to a portfolio."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class Action(StrEnum):
    """What can be done through the API."""

    READ = "read"
    EXPORT = "export"
    HALT = "halt"
    TRIP = "trip the kill switch"
    FLATTEN = "halt and flatten"
    REQUEST_RESUME = "request resume"
    APPROVE_RESUME = "approve resume"
    PROMOTE = "promote"
    ROLLBACK = "roll back"
    MANAGE_TOKENS = "manage own tokens"
    MANAGE_USERS = "manage users"


LOOKING = frozenset({Action.READ, Action.EXPORT, Action.MANAGE_TOKENS})
TIGHTENING = frozenset({Action.HALT, Action.TRIP})

MAY: dict[Role, frozenset[Action]] = {
    Role.VIEWER: LOOKING,
    Role.OPERATOR: LOOKING | TIGHTENING | {Action.FLATTEN, Action.REQUEST_RESUME, Action.ROLLBACK},
    Role.APPROVER: LOOKING | TIGHTENING | {Action.APPROVE_RESUME, Action.PROMOTE},
    Role.ADMIN: LOOKING | TIGHTENING | {Action.MANAGE_USERS},
}
"""The permission matrix."""


class Scope(StrEnum):
    """What an API token may be used for; never more than its owner's role allows."""

    READ = "read"
    COMMAND = "command"
    """Everything that the owner may do, but for accounts and tokens: those need a person who signed in."""


BY_SCOPE: dict[Scope, frozenset[Action]] = {
    Scope.READ: frozenset({Action.READ, Action.EXPORT}),
    Scope.COMMAND: frozenset(Action) - {Action.MANAGE_USERS, Action.MANAGE_TOKENS},
}


def allowed(role: Role, action: Action, scopes: frozenset[Scope] | None = None) -> bool:
    """Whether a role may do it; `scopes` are those of an API token, None for someone signed in."""
    if action not in MAY[role]:
        return False
    return scopes is None or any(action in BY_SCOPE[scope] for scope in scopes)
