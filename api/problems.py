"""Every refusal as one kind of answer: RFC 9457 problem details, with a sentence that says what to do."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from trading.errors import BallastError, UsageError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """The body of every refusal."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["sign-in failed"])
    status: int = Field(examples=[401])
    detail: str = Field(examples=["name or password is wrong"])
    errors: list[dict[str, Any]] | None = Field(default=None, examples=[None])
    """Field by field, where the request itself was malformed."""


class Refused(Exception):
    """Ends a request with a problem."""

    def __init__(self, status: int, title: str, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after_s = retry_after_s


REFUSAL: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: REFUSAL | {"description": description}
    for status, description in {
        400: "The request makes no sense.",
        401: "Nobody is signed in, or the token is not valid.",
        403: "The role, the scope or the portfolio does not allow it.",
        404: "There is no such thing, or it is not yours to see.",
        409: "It does not fit what stands.",
        422: "A parameter is malformed.",
        429: "Too many requests.",
    }.items()
}
"""For the `responses` of routers, so that the OpenAPI document says what can come back."""


def answer(refused: Refused) -> JSONResponse:
    headers = {} if refused.retry_after_s is None else {"Retry-After": str(refused.retry_after_s)}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _json(Problem(title=refused.title, status=refused.status, detail=refused.detail), headers)


def install(app: FastAPI) -> None:
    """Answer every error of `app` as a problem; nothing inside ever shows."""

    @app.exception_handler(Refused)
    def refused(_request: Request, error: Refused) -> JSONResponse:
        return answer(error)

    @app.exception_handler(HTTPException)
    def http(_request: Request, error: HTTPException) -> JSONResponse:
        problem = Problem(title=error.detail.lower(), status=error.status_code, detail=error.detail)
        return _json(problem, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        # Without the input: it may be a password.
        errors = [{"where": list(e["loc"]), "what": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{'.'.join(map(str, e['where']))}: {e['what']}" for e in errors)
        return _json(Problem(title="malformed request", status=422, detail=detail, errors=errors))

    @app.exception_handler(UsageError)
    def usage(_request: Request, error: UsageError) -> JSONResponse:
        return _json(Problem(title="refused", status=409, detail=str(error)))

    @app.exception_handler(BallastError)
    def ours(_request: Request, _error: BallastError) -> JSONResponse:
        return _json(Problem(title="internal error", status=500, detail="see the log of the API"))


def _json(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)
