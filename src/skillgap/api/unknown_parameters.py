"""Query parameters that an endpoint does not have: refused by endpoints of data, noted on pages.

`check` is a dependency of the whole application: it compares each query with what the matched route declares, so a new
endpoint needs nothing of its own.
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
"""Parameters of a query."""
_MOST_FIELDS = 500
"""Fields of a form."""
_MOST_NAMED = 5
"""Unknown parameters that an error names."""
_LONGEST = 60
"""Characters of a name or value that is repeated in an answer."""
_ALIKE = 0.5
_UNKNOWN = "skillgap.unknown"
"""Key of the request's scope: names of parameters that the page does not have."""


class _Declared(NamedTuple):
    single: frozenset[str]
    """May be given once."""
    repeated: frozenset[str]


async def check(request: Request) -> None:
    """Refuse unknown and repeated parameters; on pages, keep unknown ones for `unknown_of`.

    Raises UnknownParameter, InvalidParameter.
    """
    query: bytes = request.scope["query_string"]
    if not query:
        return
    if query.count(b"&") >= _MOST:  # before they are read: reading thousands takes its time
        raise invalid([WrongParameter(parameter="query", detail=f"more than {_MOST} parameters")])
    declared = _declared(request.scope["route"])
    given = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [name for name in given if name not in declared.single and name not in declared.repeated]
    if unknown and not is_page(request.scope["route"]):
        raise _unknown_parameters(unknown, declared.single | declared.repeated)
    if unknown:
        request.scope[_UNKNOWN] = frozenset(unknown)
        request.scope[PASSING] = True  # anyone can make up names: their answers would fill the memory
    if repeated := [name for name, times in given.items() if times > 1 and name in declared.single]:
        raise invalid([WrongParameter(parameter=name, detail=f"given {given[name]} times") for name in repeated])


def unknown_of(request: Request) -> tuple[Unknown, ...]:
    """Return the parameters of a page's address that the page does not have, with what may be meant."""
    names = request.scope.get(_UNKNOWN)
    if not names:
        return ()
    known = _declared(request.scope["route"]).single
    return unknown([(name, value) for name, value in request.query_params.multi_items() if name in names], known)


def unknown(items: Collection[tuple[str, str]], known: Collection[str]) -> tuple[Unknown, ...]:
    """Return unknown names and values, cut where they are long, with what may be meant by each."""
    return tuple(Unknown(name[:_LONGEST], value[:_LONGEST], _near(name, known)) for name, value in items)


@contextmanager
def searched(parameter: str) -> Iterator[None]:
    """Name the parameter whose text the block cannot search for. Raises InvalidParameter."""
    try:
        yield
    except InvalidSearchText as error:
        raise invalid([WrongParameter(parameter=parameter, detail=str(error))]) from None


def form_fields(form: bytes) -> dict[str, str]:
    """Return the fields of a form. Raises InvalidParameter where there are too many."""
    if form.count(b"&") >= _MOST_FIELDS:
        raise invalid([WrongParameter(parameter="body", detail=f"more than {_MOST_FIELDS} fields")])
    return dict(parse_qsl(form.decode("latin-1"), keep_blank_values=True))


def _unknown_parameters(names: Collection[str], known: Collection[str]) -> UnknownParameter:
    wrong = []
    for name in list(names)[:_MOST_NAMED]:
        near = _near(name, known)
        detail = f"no such parameter{near and f', did you mean {near}?'}"
        wrong.append(WrongParameter(parameter=name[:_LONGEST], detail=detail, suggestions=[near] if near else None))
    text = "; ".join(f"{each.parameter}: {each.detail}" for each in wrong)
    more = f"; and {len(names) - len(wrong)} more" if len(names) > len(wrong) else ""
    return UnknownParameter(f"{text}{more}; there are: {', '.join(sorted(known)) or 'none'}", wrong)


def _near(name: str, known: Collection[str]) -> str:
    """Return the known parameter that is most like a name, empty where none is."""
    text = name[:_LONGEST].casefold().replace("-", "_")
    near = extractOne(text, sorted(known), scorer=OSA.normalized_similarity, score_cutoff=_ALIKE)
    return str(near[0]) if near else ""


def _declared(route: APIRoute) -> _Declared:
    """Return the query parameters of a route, those of its dependencies included."""
    known = _DECLARED.get(route.endpoint)
    if known is None:
        known = _DECLARED[route.endpoint] = _read(route)
    return known


_DECLARED: WeakKeyDictionary[Callable[..., Any], _Declared] = WeakKeyDictionary()
"""By endpoint: routes cannot be keys."""


def _read(route: APIRoute) -> _Declared:
    fields = [(field.alias, _is_list(field.field_info.annotation)) for field in _query_fields(route.dependant)]
    repeated = frozenset(name for name, is_list in fields if is_list)
    return _Declared(frozenset(name for name, _ in fields) - repeated, repeated)


def _query_fields(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.query_params
    for each in dependant.dependencies:
        yield from _query_fields(each)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))
