"""An executor for tests: processes take a second to start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class InThisThread(Executor):
    """Runs each cell where it is handed in, before anything else goes on."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the function and return its future, which has ended."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as every executor, hand it to whoever asks for the result
            future.set_exception(error)
        return future
