"""Where the cells of a sweep are run: processes of this machine, a Dask cluster, or the calling thread."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from gradflow.errors import GradflowError

POLITE = 10
"""How much a window's processes stand back behind the window itself."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Processes(ProcessPoolExecutor):
    """Processes of this machine that end with whoever started them, however that ends.

    Each is started anew and not forked: a fork would copy the window's threads in whatever state they are. They begin
    to start at once, so that they are ready when the first cell comes.
    """

    def __init__(self, jobs: int, polite: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self._leash, self._hand = context.Pipe(duplex=False)
        super().__init__(jobs, context, _begin, (self._leash, polite))
        with _uninterrupted():
            for _ in range(jobs):
                self.submit(_nothing)

    def stop(self) -> None:
        """End all processes in the middle of what they do."""
        self._hand.close()
        self._leash.close()
        self.shutdown(wait=False)


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Lend processes of this machine; they are ended in the middle of things if something goes wrong."""
    executor = Processes(jobs)
    try:
        yield executor
        executor.shutdown()
    finally:
        executor.stop()


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Lend the workers of a Dask scheduler; raises GradflowError if there is none or Dask is not installed."""
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise GradflowError("--scheduler needs Dask: install gradflow[cluster]") from error
    try:
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError, TypeError) as error:
        raise GradflowError(f"--scheduler {address}: no Dask scheduler answers there") from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise GradflowError(f"--scheduler {address}: the scheduler has no workers; start some with `dask worker`")
        # A cell gives the same numbers each time, but whoever asks for it again means to run it again.
        yield client.get_executor(pure=False)


def _begin(leash: Connection, polite: bool) -> None:
    """Prepare a process for cells: leave Ctrl+C to the parent, and end when the parent lets go of the leash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if polite and hasattr(os, "nice"):
        os.nice(POLITE)
    threading.Thread(target=_end_with, args=(leash,), name="gradflow-leash", daemon=True).start()


def _end_with(leash: Connection) -> None:
    """Wait until the other end of a pipe is closed, which the system does for a process that is killed, and end."""
    with suppress(EOFError, OSError):
        leash.recv_bytes()
    os._exit(0)


def _nothing() -> None:
    """Be something to do for a process that is only to start."""


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl+C while processes are started: they inherit that, and say nothing if it comes while they import."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
