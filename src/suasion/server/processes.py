"""The processes that serve a workspace: some that answer, on one socket, and one that drains the inbox.

Each can die alone: another takes its place.
"""

from __future__ import annotations

import gc
import logging
import logging.config
import mmap
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn

from suasion.errors import BusyError, SuasionError
from suasion.server.application import Served, Shared, application, check, drain
from suasion.server.connections import Protocol, Server
from suasion.server.logs import CONFIG
from suasion.workspace import Workspace

MOST_CONNECTIONS = 1000
"""Of one process."""
ANSWERING = 11
"""Seconds in which requests under way are answered at the end: a body may take ten of them."""
ENDING = 14.0
"""Seconds after which a worker is not waited for any longer."""
SWITCHING = 0.0005
"""Seconds until a thread that waits for the interpreter's lock gets it: a commit asks ten times."""
_YOUNG = 20_000
"""Objects that are made before it is looked which of them are garbage."""
_SHORT = 5.0
"""Seconds: a worker that lived no longer has not served."""
_MOST_SHORT = 5
_MEEK = 5
"""How much less urgent than requests the streamer is, where both want the same core; see nice(2)."""
_LOOK = 0.5
"""Seconds between two looks whether whoever began a process is still there."""
_log = logging.getLogger("suasion.server")


def serve(workspace: Workspace, host: str = "127.0.0.1", port: int = 8000, workers: int = 1) -> None:
    """Serve a workspace until the process is asked to end; requests under way are answered first.

    Parameters
    ----------
    workspace : Workspace
        Its `say` is told the address.
    host : str
    port : int
        0 for any that is free.
    workers : int
        Processes that answer. They share the socket, the inbox, and what streams may send. One more drains
        the inbox and lets policies learn, so that no request waits for it.

    Raises
    ------
    WorkspaceError
        See `application`.
    OSError
        The address is taken, or not ours.
    BusyError
        Workers die as soon as they begin.
    """
    logging.config.dictConfig(CONFIG)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=2048) as listener:
        check(workspace)
        shown = f"[{host}]" if ":" in host else host
        said = f"serving on http://{shown}:{listener.getsockname()[1]}"
        up = mmap.mmap(-1, workers)  # which of them can answer
        with tempfile.TemporaryDirectory(prefix="suasion-metrics-") as folder:
            shared = Shared(metrics=Path(folder) if workers > 1 else None, is_drained=True)
            parent = os.getpid()

            def answer(number: int) -> None:
                with _listening() as asked:
                    is_asked = lambda: asked.is_set() or os.getppid() != parent  # noqa: E731
                    made = application(workspace, shared)
                    up[number] = True
                    _serve(made, listener, is_asked)

            def stream() -> None:
                os.nice(_MEEK)
                listener.close()
                with _listening() as asked, _orphaned(parent, asked):
                    drain(workspace, asked)

            answering = [_Job("a worker", partial(answer, number)) for number in range(workers)]
            streaming = _Job("the streamer", stream, is_vital=False)
            _keep([*answering, streaming], lambda: all(up[:]), lambda: workspace.say(said))


def _serve(made: Served, listener: socket.socket, is_asked: Callable[[], bool]) -> None:
    """Serve in this process, until it is asked to end."""
    sys.setswitchinterval(SWITCHING)
    gc.freeze()  # what is there now stays to the end: it would be looked through again and again
    gc.set_threshold(_YOUNG)
    config = uvicorn.Config(
        made,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=ANSWERING,
    )
    try:
        Server(config, made.drain, is_asked).run(sockets=[listener])
    finally:
        gc.unfreeze()
        made.close()


@contextmanager
def _listening() -> Generator[threading.Event]:
    """Hear signals to end at any moment, and break off nothing; uvicorn raises them anew at its end."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: asked.set()) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _orphaned(parent: int, asked: threading.Event) -> Generator[None]:
    """Ask to end when the process that began this one is gone."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK):
            if os.getppid() != parent:
                asked.set()

    threading.Thread(target=watch, name="orphaned", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@dataclass(frozen=True)
class _Job:
    """What a process does.

    Parameters
    ----------
    name : str
    work : callable
    is_vital : bool
        Whether nothing can be served where it dies again and again; else it is tried again, less often.
    """

    name: str
    work: Callable[[], None]
    is_vital: bool = True


def _keep(jobs: list[_Job], are_up: Callable[[], bool], say: Callable[[], None]) -> None:
    """Keep a process at each job, until we are asked to end; say once that they are up."""
    with _listening() as asked:
        begun = {_fork(job): (job, time.monotonic()) for job in jobs}
        due, short, is_said = list[tuple[float, _Job]](), 0, False
        while not asked.wait(0.1 if is_said else 0.01) and short <= _MOST_SHORT:
            if not is_said and are_up():
                say()
                is_said = True
            for process in [one for one in begun if _has_ended(one)]:
                job, at = begun.pop(process)
                is_short = time.monotonic() - at < _SHORT
                _log.error("%s ended; another begins", job.name)
                if job.is_vital:
                    short = short + 1 if is_short else 0
                due.append((time.monotonic() + (_SHORT if is_short and not job.is_vital else 0.0), job))
            for one in [one for one in due if one[0] <= time.monotonic()]:
                due.remove(one)
                begun[_fork(one[1])] = one[1], time.monotonic()
        _end(set(begun))
    if short > _MOST_SHORT:
        raise BusyError("the workers", "they end as soon as they begin", "See what they logged.")


def _end(processes: set[int]) -> None:
    """Ask them to end, again and again, for who has only begun may not hear it; who does not is ended."""
    last = time.monotonic() + ENDING
    while processes and time.monotonic() < last:
        for process in processes:
            os.kill(process, signal.SIGTERM)
        asked = time.monotonic()
        while processes and time.monotonic() < asked + 1:
            processes = {process for process in processes if not _has_ended(process)}
            time.sleep(0.02)
    for process in processes:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _has_ended(process: int) -> bool:
    return os.waitpid(process, os.WNOHANG)[0] == process


def _fork(job: _Job) -> int:
    """Begin a process; everything is imported in it already."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        job.work()
        code = 0
    except SuasionError as error:
        _log.error("%s cannot begin: %s", job.name, error)
    except BaseException:
        _log.exception("%s failed", job.name)
    finally:
        os._exit(code)
