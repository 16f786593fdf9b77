"""Rate limits: a maximum number of requests per client in any minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

_MINUTE = 60.0
_SHORTEST_GROUP = _MINUTE / 1_000
"""Seconds of requests that are remembered as one group, so that a high rate needs no more memory."""
_MOST_CLIENTS = 100_000


@dataclass
class _Group:
    """Requests of nearly the same time. All leave the window with the last of them."""

    first: float
    last: float
    number: int


class Window:
    """The requests of one client in the last minute."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._groups: deque[_Group] = deque()
        self._number = 0

    def enter(self, now: float) -> float:
        """Count a request and return 0, or return the seconds until the next one is allowed."""
        groups = self._groups
        while groups and now - groups[0].last >= _MINUTE:
            self._number -= groups.popleft().number
        if self._number >= self._most:
            return _MINUTE - (now - groups[0].last)  # above zero despite rounding
        if groups and now - groups[-1].first < _SHORTEST_GROUP:
            groups[-1].last = now
            groups[-1].number += 1
        else:
            groups.append(_Group(now, now, 1))
        self._number += 1
        return 0.0


class Rates:
    """The windows of all clients. A client without a counted request for a minute is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: TTLCache[tuple[str, int], Window] = TTLCache(_MOST_CLIENTS, _MINUTE, clock)

    def enter(self, client: str, per_minute: int) -> float:
        """Count a client's request and return 0, or return the seconds until the next one is allowed."""
        key = client, per_minute
        window = self._windows.get(key) or Window(per_minute)
        wait = window.enter(self._clock())
        if not wait:
            self._windows[key] = window  # for another minute
        return wait
