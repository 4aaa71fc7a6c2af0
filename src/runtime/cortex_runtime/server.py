"""Joins the parts of one process: loads the handler, then listens, serves until told to stop, and drains."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import Any, Callable, Dict, List, Sequence, Tuple

from .admin import Admin
from .app import Application, Route
from .batching import Batcher
from .beside import Beside
from .calls import Aftermath, InLoop, InTurn
from .control import Control
from .failures import StartFailure
from .inline import CATCH_UP_ROUNDS, InLine
from .loading import Handler, Method, construct, find_handler
from .logs import Journal
from .memory import peak_bytes, watch_memory
from .metrics import Meter, MetricsClient
from .settings import Address, Settings
from .versions import import_uvicorn
from .workers import Executor, Workers

#: Seconds. The only clients are the gateway and Envoy. They drop idle connections first: none closes under a request.
KEEP_ALIVE = 900


def serve(settings: Settings, process: int, control: Control) -> None:
    """Returns when it was told to stop and all that was accepted is done. Raises StartFailure."""
    uvicorn = import_uvicorn()
    enter_project(settings)
    if settings.memory_limit_bytes and sys.platform != "linux":  # there its starter looks, at all processes at once
        watch_memory(settings.memory_limit_bytes // settings.processes, control, peak_bytes)
    control.send("loading")
    labels = {"api": settings.api, "revision": str(settings.revision), "replica": settings.replica}
    if settings.processes > 1:
        labels["process"] = str(process)
    metrics_client = MetricsClient(labels)
    journal = Journal(settings.project_dir)
    loop = new_loop()
    executor, handler = load(settings, metrics_client, loop, journal)
    meter = Meter(labels)
    aftermath = Aftermath(handler.after, loop, executor, journal)
    beside = Beside(handler.methods, handler.says_hello, meter, metrics_client)
    routes = make_routes(handler, settings, aftermath, loop, executor, journal)
    app = Application(routes, beside, meter, journal, loop, settings.max_body_bytes)
    sockets = [bind(settings.listen[process])]
    admin = Admin(bind(settings.admin[process]), _peers(settings, process), meter, metrics_client) if settings.admin else None

    def on_ready() -> None:
        if admin:
            admin.open()
        control.send("ready")

    server = make_server(uvicorn, app, on_ready)
    loop.run_until_complete(_serve_until_told(server, sockets, aftermath))
    executor.close()
    loop.run_until_complete(aftermath.drain())


async def _serve_until_told(server: Any, sockets: List[socket.socket], aftermath: Aftermath) -> None:
    def stop(rounds: int = CATCH_UP_ROUNDS) -> None:
        """Lets what came before the signal, while a handler held the loop, be read and so be answered."""
        if rounds:
            asyncio.get_running_loop().call_soon(stop, rounds - 1)
        else:
            server.should_exit = True

    stop_on_signals(stop)
    await server.serve(sockets=sockets)
    await aftermath.drain()


def _peers(settings: Settings, process: int) -> List[Address]:
    """The first process answers for all: a replica is well when each of its processes is."""
    return list(settings.admin[1:]) if process == 0 else []


def enter_project(settings: Settings) -> None:
    """Its folders lead sys.path from now on; what the runtime itself needs has been imported already."""
    os.chdir(settings.project_dir)
    folders = [settings.project_dir]
    if settings.python_path:
        folders.append(os.path.normpath(os.path.join(settings.project_dir, settings.python_path)))
    sys.path[:0] = folders


def load(
    settings: Settings, metrics_client: MetricsClient, loop: asyncio.AbstractEventLoop, journal: Journal
) -> "Tuple[Executor, Handler]":
    """Loads the handler in the thread of its requests, and decides which that is. Raises StartFailure.

    The loop's own is the fastest, and right where a request would hold up all others anyway.
    """
    if settings.threads > 1 and not settings.batching:
        workers = Workers(settings.threads, loop, journal)
        return workers, workers.load(lambda: construct(find_handler(settings), settings, metrics_client))
    line = InLine(loop, journal)
    found = line.load(lambda: find_handler(settings))
    is_one_at_a_time = settings.threads == 1 or len(found.plan) == 1  # with batching threads are for other methods
    executor: Executor = line
    if found.is_async or not is_one_at_a_time:
        executor = Workers(settings.threads, loop, journal)
    return executor, executor.load(lambda: construct(found, settings, metrics_client))


def make_routes(
    handler: Handler,
    settings: Settings,
    aftermath: Aftermath,
    loop: asyncio.AbstractEventLoop,
    executor: Executor,
    journal: Journal,
) -> Dict[str, Route]:
    if settings.batching and "POST" not in handler.methods:
        raise StartFailure(
            "server_side_batching is on, but the handler has no handle_post",
            hint="define handle_post, or remove server_side_batching",
        )

    def starter(verb: str, method: Method) -> Any:
        if settings.batching and verb == "POST":
            return Batcher(method, settings.batching, aftermath, loop, executor, journal).start
        if method.is_async:
            return InLoop(method, aftermath, journal).start
        return InTurn(method, aftermath, executor, journal).start

    after_wants = handler.after.wants - {"response"} if handler.after else frozenset()
    return {
        verb: Route(starter(verb, method), method.wants | after_wants) for verb, method in handler.methods.items()
    }


def new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def make_server(uvicorn: Any, app: Application, on_ready: Callable[[], None]) -> Any:
    try:
        import httptools  # noqa: F401

        http = "httptools"
    except ImportError:
        http = "h11"
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
    )

    class Server(uvicorn.Server):  # type: ignore[misc]
        """Leaves signals to the runtime (by either name that uvicorn has had for it) and says when it listens."""

        def install_signal_handlers(self) -> None:
            pass

        def capture_signals(self) -> Any:
            import contextlib

            return contextlib.nullcontext()

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                on_ready()

    return Server(config)


def stop_on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        else:
            loop.add_signal_handler(number, stop)


def bind(address: Address) -> socket.socket:
    """Raises StartFailure. A unix socket is for its owner alone, and replaces what a killed replica left behind."""
    try:
        if address.path is not None:
            return _bind_unix(address.path)
        bound = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
        if sys.platform != "win32":  # there it would let another process take the port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
    except OSError as error:
        raise StartFailure(f"cannot listen on {address.path or f'{address.host}:{address.port}'}: {error}") from error
    return bound


def _bind_unix(path: str) -> socket.socket:
    if sys.platform == "win32":
        raise OSError("there are no unix sockets here")
    bound = socket.socket(socket.AF_UNIX)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    before = os.umask(0o177)
    try:
        bound.bind(path)
    finally:
        os.umask(before)
    return bound
