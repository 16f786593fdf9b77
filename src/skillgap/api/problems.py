"""Errors as problem details (RFC 9457), all with the same body and a stable `code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, get_args
from urllib.parse import parse_qsl

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from skillgap.api.answers import page
from skillgap.api.cache import SNAPSHOT
from skillgap.errors import (
    InvalidCode,
    InvalidProfile,
    MissingInput,
    NoData,
    OccupationError,
    SkillgapError,
    UnknownJobZone,
    UnknownOccupation,
    UnratedOccupation,
)
from skillgap.models import RatingsChoice
from skillgap.onet.domains import DomainChoice
from skillgap.service.snapshot import CurrentData, Snapshot
from skillgap.web.view import Question
from skillgap.web.view import problem as problem_page

MEDIA_TYPE = "application/problem+json"
_LONGEST_DETAIL = 500
_MOST_LISTED = 100
_MOST_LISTED_BYTES = 12_000
"""Limits of the wrong parameters that a document lists, in number and bytes. The rest is counted."""
_GONE = 499
"""Status in logs and metrics of a request whose client disconnected, as in nginx."""

Sendable = Annotated[str, BeforeValidator(lambda text: text.encode(errors="replace").decode())]
"""A text that may quote a request. JSON in a request can contain lone surrogates, which no answer can."""


class WrongParameter(BaseModel):
    """A parameter that cannot be used."""

    parameter: Annotated[Sendable, Field(description="Name of the parameter.", examples=["to"])]
    detail: Annotated[Sendable, Field(description="Reason why it cannot be used.", examples=["Field required"])]
    suggestions: Annotated[list[str] | None, Field(description="Similar valid names, for an unknown parameter.")] = None


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: Annotated[str, Field(description="URN of the problem type: `urn:skillgap:problem:` followed by the code.")]
    title: Annotated[str, Field(description="The HTTP status in words.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    detail: Annotated[Sendable, Field(description="Explanation for people, with a remedy.")]
    code: Annotated[
        str,
        Field(
            description="Stable problem code for programs. One of `unknown-occupation`, `unrated-occupation`, "
            "`invalid-code`, `invalid-parameter`, `unknown-parameter`, `invalid-profile`, `unknown-job-zone`, "
            "`missing-input`, `no-data`, `overloaded`, `not-found`, `method-not-allowed`, `key-required`, "
            "`invalid-key`, `length-required`, `body-too-large`, `request-timeout`, `too-many-requests`, "
            "`internal-error`."
        ),
    ]
    onet_soc_code: Annotated[str | None, Field(description="The O*NET-SOC code of the request.")] = None
    parameters: Annotated[
        list[WrongParameter] | None,
        Field(description=f"Parameters that cannot be used, at most {_MOST_LISTED}."),
    ] = None
    parameters_left_out: Annotated[
        int | None, Field(description="Number of wrong parameters that are not listed; absent if all are.")
    ] = None


class InvalidParameter(SkillgapError):
    """A parameter is missing, or its value is out of range."""

    code = "invalid-parameter"

    def __init__(self, message: str, parameters: Sequence[WrongParameter]) -> None:
        super().__init__(message)
        self.parameters = list(parameters)


class UnknownParameter(InvalidParameter):
    """The endpoint has no parameter of this name. Ignoring it would answer a different question."""

    code = "unknown-parameter"


class ClientGone(SkillgapError):
    """The client disconnected before its work began."""

    code = "client-gone"


class Refusal(SkillgapError):
    """A request that is refused regardless of its question."""

    headers: Mapping[str, str] = {}


class KeyRequired(Refusal):
    """The service requires a key."""

    code = "key-required"
    headers = {"WWW-Authenticate": "Bearer"}  # noqa: RUF012 - never written to


class InvalidKey(Refusal):
    """The service does not know the key."""

    code = "invalid-key"
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # noqa: RUF012 - never written to


class LengthRequired(Refusal):
    """A request with a body has no Content-Length."""

    code = "length-required"


class BodyTooLarge(Refusal):
    """The body is larger than any request needs."""

    code = "body-too-large"


class RequestTimeout(Refusal):
    """The body did not arrive in time."""

    code = "request-timeout"
    headers = {"Connection": "close"}  # noqa: RUF012 - never written to


class TooManyRequests(Refusal):
    """The key, or the address without a key, has used up its rate."""

    code = "too-many-requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


class Overloaded(Refusal):
    """The queue for this kind of work is full, or the wait was too long."""

    code = "overloaded"
    headers = {"Retry-After": "2"}  # noqa: RUF012 - never written to

    def __init__(self) -> None:
        super().__init__("the service is busy with requests of this kind; try again in 2 seconds")


STATUS: dict[type[SkillgapError], HTTPStatus] = {
    InvalidCode: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidProfile: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownJobZone: HTTPStatus.UNPROCESSABLE_ENTITY,
    MissingInput: HTTPStatus.CONFLICT,
    InvalidParameter: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownParameter: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownOccupation: HTTPStatus.NOT_FOUND,
    UnratedOccupation: HTTPStatus.NOT_FOUND,
    NoData: HTTPStatus.SERVICE_UNAVAILABLE,
    KeyRequired: HTTPStatus.UNAUTHORIZED,
    InvalidKey: HTTPStatus.UNAUTHORIZED,
    LengthRequired: HTTPStatus.LENGTH_REQUIRED,
    RequestTimeout: HTTPStatus.REQUEST_TIMEOUT,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
}


_RETRY_AFTER = {
    "description": "Seconds to wait before a retry; absent if the answer is final.",
    "schema": {"type": "integer"},
}

EXAMPLES: tuple[SkillgapError, ...] = (
    InvalidCode(
        "'15-12' is not an O*NET-SOC code; write it like 15-1252.00, 15-1252 or 15125200",
        onet_soc_code="15-12",
    ),
    InvalidParameter("to: Field required", [WrongParameter(parameter="to", detail="Field required")]),
    UnknownParameter(
        "domian: no such parameter, did you mean domain?",
        [WrongParameter(parameter="domian", detail="no such parameter, did you mean domain?", suggestions=["domain"])],
    ),
    InvalidProfile(
        {"levels.Writting": "no compared element has this name or id (domain skills). Did you mean Writing?"}
    ),
    UnknownOccupation("O*NET 29.0 has no occupation 99-9999.00", onet_soc_code="99-9999.00"),
    UnratedOccupation(
        "O*NET 29.0 has no skill ratings for 15-1252.00 (Software Developers), so no gap can be computed",
        onet_soc_code="15-1252.00",
    ),
    UnknownJobZone(
        "O*NET 30.2 has no occupation in Job Zone 1; its Job Zones are 2 (Job Zone 1-2: Little to Some Preparation "
        "Needed), 3, 4, 5"
    ),
    MissingInput(
        "No importance of skills is loaded (scale IM). Load a release with its IM rows. The weight `none` needs no "
        "importance (command line, HTTP and Python)"
    ),
    NoData(),
    KeyRequired("this service requires an API key, sent as X-API-Key or as Authorization: Bearer KEY"),
    InvalidKey("unknown or revoked API key; ask the operator of this service"),
    TooManyRequests("this client may send 60 requests per minute", retry_after=17),
    Overloaded(),
)


def responses(*errors: type[SkillgapError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the given errors, with an example of each."""
    entries: dict[int | str, dict[str, Any]] = {}
    for example in EXAMPLES:
        if type(example) not in errors:
            continue
        status = STATUS[type(example)]
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        entry = entries.setdefault(status.value, {"description": status.phrase, "content": {MEDIA_TYPE: content}})
        if status is HTTPStatus.NOT_FOUND:
            entry["headers"] = {"Retry-After": _RETRY_AFTER}
        elif isinstance(example, Refusal):
            entry["headers"] = {name: {"schema": {"type": "string"}} for name in example.headers}
        entry["content"][MEDIA_TYPE]["examples"][example.code] = {
            "value": _of_error(example).model_dump(exclude_none=True)
        }
    return entries


def document(operation: dict[str, Any], *errors: type[SkillgapError]) -> None:
    """Add errors to the responses of an operation of the OpenAPI document."""
    for status, entry in responses(*errors).items():
        known = operation["responses"].get(str(status))
        if known is None or MEDIA_TYPE not in known.get("content", {}):  # FastAPI's own 422
            operation["responses"][str(status)] = entry
            continue
        known["content"][MEDIA_TYPE]["examples"] |= entry["content"][MEDIA_TYPE]["examples"]
        if "headers" in entry:
            known["headers"] = {**known.get("headers", {}), **entry["headers"]}


def install(app: FastAPI) -> None:
    """Answer every error of this application with problem details."""

    @app.exception_handler(SkillgapError)
    async def _(request: Request, error: SkillgapError) -> Response:
        if type(error) not in STATUS:
            structlog.get_logger("skillgap.api").error("unexpected", error=str(error), code=error.code)
        current: CurrentData = request.app.state.current
        if isinstance(error, NoData) and current.store_error and not current.snapshot.get_occupations():
            error = NoData(
                "the database cannot be read, and no data are in memory; the log and `skillgap doctor` give the "
                "reason. If the database is empty, run `skillgap load starter`"
            )
        retry_after = error.retry_after if isinstance(error, OccupationError) else None
        return of(error, request.scope, {"Retry-After": str(retry_after)} if retry_after else None)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        wrong = [
            WrongParameter(
                parameter=_parameter(each["loc"])[:100],
                detail=_DETAILS.get(each["type"], each["msg"])[:_LONGEST_DETAIL],
            )
            for each in error.errors()
        ]
        return of(invalid(wrong), request.scope)

    @app.exception_handler(ClientGone)
    async def _(_: Request, __: ClientGone) -> Response:
        return Response(status_code=_GONE)  # only for the log

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        if status is HTTPStatus.BAD_REQUEST:  # FastAPI's status for a body that is not text
            return of(
                InvalidParameter("body: not JSON", [WrongParameter(parameter="body", detail="not JSON")]), request.scope
            )
        code = status.phrase.lower().replace(" ", "-")
        headers = dict(error.headers or {})
        if "Allow" in headers:
            headers["Allow"] = ", ".join(_methods(request))
        found = _problem(status, code, f"{status.description or status.phrase}; /docs lists all endpoints")
        return _response(found, request.scope, headers)

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> Response:
        structlog.get_logger("skillgap.api").error("unexpected", exc_info=error)
        return _response(_of_error(SkillgapError()), request.scope)


_DETAILS = {
    "dataclass_type": 'not a JSON object like {"levels": {"Writing": 3}}, sent with Content-Type: application/json',
    "unexpected_keyword_argument": "no such field",
}
"""Details by error type, where the validator's own text is about Python."""


def _parameter(location: Sequence[str | int]) -> str:
    """Return the name of a parameter, or the path of a field in the body without list indexes."""
    where, *names = location
    return ".".join(name for name in names if isinstance(name, str)) or str(where)


def _methods(request: Request) -> list[str]:
    """Return the methods of a path. Each has its own route; HEAD is answered like GET."""
    found = [
        method
        for method in ("GET", "POST")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return sorted([*found, "HEAD"] if "GET" in found else found)


def of(error: SkillgapError, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem document of an error; for a browser, a page."""
    headers = {**(error.headers if isinstance(error, Refusal) else {}), **(headers or {})}
    return _response(_of_error(error), scope, headers)


def _of_error(error: SkillgapError) -> Problem:
    status = STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _problem(status, "internal-error", "the request failed; search the log for its X-Request-ID")
    return _problem(
        status,
        error.code,
        str(error),
        onet_soc_code=error.onet_soc_code if isinstance(error, OccupationError) else None,
        **_wrong_parameters(error),
    )


def invalid(wrong: Sequence[WrongParameter]) -> InvalidParameter:
    """Return an error that names some wrong parameters."""
    return InvalidParameter("; ".join(f"{each.parameter}: {each.detail}" for each in wrong), wrong)


def _wrong_parameters(error: SkillgapError) -> dict[str, Any]:
    """Return the wrong parameters that a document lists, and the number of others."""
    left_out = 0
    if isinstance(error, InvalidProfile):
        wrong = [WrongParameter(parameter=field, detail=detail) for field, detail in error.fields.items()]
        left_out = error.left_out
    elif isinstance(error, InvalidParameter):
        wrong = error.parameters
    else:
        return {}
    listed, size = 0, 0
    for each in wrong[:_MOST_LISTED]:
        size += len(f"{each.parameter}{each.detail}".encode())
        if listed and size > _MOST_LISTED_BYTES:
            break
        listed += 1
    return {"parameters": wrong[:listed], "parameters_left_out": left_out + len(wrong) - listed or None}


def _problem(status: HTTPStatus, code: str, detail: str, **extra: Any) -> Problem:
    return Problem(
        type=f"urn:skillgap:problem:{code}",
        title=status.phrase,
        status=status.value,
        detail=detail[:_LONGEST_DETAIL],
        code=code,
        **extra,
    )


def _response(problem: Problem, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept", **(headers or {})}
    if any(name == b"accept" and b"text/html" in value for name, value in scope["headers"]):
        response = page(problem_page(problem.code, problem.detail, _asked(scope)), problem.status)
        response.headers.update(headers)
        return response
    body = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def _asked(scope: Scope) -> Question:
    """Return the question in a browser's address, as far as it can be read, for the search fields of the page."""
    asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    texts = asked.get("from", ""), asked.get("to", "")
    snapshot: Snapshot | None = scope.get(SNAPSHOT)
    occupations = snapshot.get_occupations() if snapshot else {}
    current, target = (occupations[text].title if text in occupations else "" for text in texts)
    return Question(*texts, titles=(current, target), **_chosen(asked))


def _chosen(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the valid options of a question."""
    choices = {"domain": get_args(DomainChoice), "ratings": get_args(RatingsChoice)}
    found = {name: asked.get(name, "").replace(" ", "+") for name in choices}
    return {name: value for name, value in found.items() if value in choices[name]} | {
        "sure": asked.get("sure") == "yes"
    }
