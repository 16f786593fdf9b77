"""Unknown query parameters: refused by data endpoints, noted on pages.

`check` is a dependency of the whole application. It compares each query with the parameters that the matched route
declares, so a new endpoint needs no extra code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args, get_origin
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from skillgap.api.cache import PASSING, is_page
from skillgap.api.problems import UnknownParameter, WrongParameter, invalid
from skillgap.errors import InvalidSearchText
from skillgap.web.view import Unknown

_MOST = 100
"""Maximum number of parameters of a query."""
_MOST_FIELDS = 500
"""Maximum number of fields of a form."""
_MOST_NAMED = 5
"""Maximum number of unknown parameters that an error names."""
_LONGEST = 60
"""Maximum number of characters of a name or value that an answer quotes."""
_SIMILAR = 0.5
"""Lowest similarity of a suggested name."""
_UNKNOWN = "skillgap.unknown"
"""Key of the request's scope for the names of unknown parameters of a page."""


class _Declared(NamedTuple):
    single: frozenset[str]
    """Parameters that may be given once."""
    repeated: frozenset[str]
    """Parameters that may be given several times."""


async def check(request: Request) -> None:
    """Refuse unknown and repeated parameters. On pages, keep unknown ones for `unknown_of`.

    Raises UnknownParameter, InvalidParameter.
    """
    query: bytes = request.scope["query_string"]
    if not query:
        return
    if query.count(b"&") >= _MOST:  # before parsing, because thousands take long to parse
        raise invalid([WrongParameter(parameter="query", detail=f"more than {_MOST} parameters")])
    declared = _declared(request.scope["route"])
    given = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [name for name in given if name not in declared.single and name not in declared.repeated]
    if unknown and not is_page(request.scope["route"]):
        raise _unknown_parameters(unknown, declared.single | declared.repeated)
    if unknown:
        request.scope[_UNKNOWN] = frozenset(unknown)
        request.scope[PASSING] = True  # invented names would fill the memory with answers
    if repeated := [name for name, times in given.items() if times > 1 and name in declared.single]:
        raise invalid([WrongParameter(parameter=name, detail=f"given {given[name]} times") for name in repeated])


def unknown_of(request: Request) -> tuple[Unknown, ...]:
    """Return the unknown parameters of a page's address, each with the most similar parameter."""
    names = request.scope.get(_UNKNOWN)
    if not names:
        return ()
    known = _declared(request.scope["route"]).single
    return unknown([(name, value) for name, value in request.query_params.multi_items() if name in names], known)


def unknown(items: Collection[tuple[str, str]], known: Collection[str]) -> tuple[Unknown, ...]:
    """Return unknown names and values, truncated, each with the most similar known name."""
    return tuple(Unknown(name[:_LONGEST], value[:_LONGEST], _near(name, known)) for name, value in items)


@contextmanager
def searched(parameter: str) -> Iterator[None]:
    """Turn the block's InvalidSearchText into an InvalidParameter that names the parameter."""
    try:
        yield
    except InvalidSearchText as error:
        raise invalid([WrongParameter(parameter=parameter, detail=str(error))]) from None


def form_fields(form: bytes) -> dict[str, str]:
    """Return the fields of a form. Raises InvalidParameter (too many fields)."""
    if form.count(b"&") >= _MOST_FIELDS:
        raise invalid([WrongParameter(parameter="body", detail=f"more than {_MOST_FIELDS} fields")])
    return dict(parse_qsl(form.decode("latin-1"), keep_blank_values=True))


def _unknown_parameters(names: Collection[str], known: Collection[str]) -> UnknownParameter:
    wrong = []
    for name in list(names)[:_MOST_NAMED]:
        near = _near(name, known)
        detail = f"no such parameter{near and f', did you mean {near}?'}"
        wrong.append(WrongParameter(parameter=name[:_LONGEST], detail=detail, suggestions=[near] if near else None))
    text = "; ".join(f"{parameter.parameter}: {parameter.detail}" for parameter in wrong)
    more = f"; and {len(names) - len(wrong)} more" if len(names) > len(wrong) else ""
    return UnknownParameter(f"{text}{more}; known parameters: {', '.join(sorted(known)) or 'none'}", wrong)


def _near(name: str, known: Collection[str]) -> str:
    """Return the known parameter most similar to a name, empty if none is similar enough."""
    text = name[:_LONGEST].casefold().replace("-", "_")
    near = extractOne(text, sorted(known), scorer=OSA.normalized_similarity, score_cutoff=_SIMILAR)
    return str(near[0]) if near else ""


def _declared(route: APIRoute) -> _Declared:
    """Return the query parameters of a route and its dependencies."""
    known = _DECLARED.get(route.endpoint)
    if known is None:
        known = _DECLARED[route.endpoint] = _read(route)
    return known


_DECLARED: WeakKeyDictionary[Callable[..., Any], _Declared] = WeakKeyDictionary()
"""Keyed by endpoint, because routes are not hashable."""


def _read(route: APIRoute) -> _Declared:
    fields = [(field.alias, _is_list(field.field_info.annotation)) for field in _query_fields(route.dependant)]
    repeated = frozenset(name for name, is_list in fields if is_list)
    return _Declared(frozenset(name for name, _ in fields) - repeated, repeated)


def _query_fields(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.query_params
    for dependency in dependant.dependencies:
        yield from _query_fields(dependency)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))
