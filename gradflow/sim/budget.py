"""A budget for what is dear: each measurement may run so often that all together take at most a share of the time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Budget(Generic[Name]):
    """Decides which measurements are due, from what each cost the last time."""

    def __init__(self, share: float, shortest_interval: float) -> None:
        """Allow `share` of the time, and each measurement at most once in `shortest_interval` seconds."""
        self._share, self._shortest = share, shortest_interval
        self._seconds: dict[Name, float] = {}
        self._ended: dict[Name, float] = {}

    def spent(self, seconds: Mapping[Name, float], now: float) -> None:
        """Take note of measurements that have just ended, with what each cost."""
        self._seconds.update(seconds)
        self._ended.update(dict.fromkeys(seconds, now))

    def due(self, name: Name, among: int) -> float:
        """Return when a measurement may run again if `among` of them share the budget; at once if it never ran."""
        if name not in self._ended:
            return 0.0
        return self._ended[name] + max(self._shortest, self._seconds[name] * among / self._share)
