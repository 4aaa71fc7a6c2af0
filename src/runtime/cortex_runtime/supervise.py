"""A replica of several processes: one that starts and watches, and so many that serve."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from .control import Control
from .failures import StartFailure, leave_word
from .settings import Address, Settings

_TICK_SECONDS = 0.1


@dataclass
class Child:
    number: int
    process: "subprocess.Popen[bytes]"
    #: Events come over it; it closes when either side dies. None on Windows, which cannot hand over sockets so.
    line: Optional[socket.socket]
    buffer: bytes = b""
    is_ready: bool = False
    failure: Optional[Dict[str, Any]] = field(default=None)


def supervise(settings: Settings, arguments: List[str], control: Control) -> int:
    """Returns the exit status of the replica: 0 after a drain, otherwise that of the first process to end.

    Whatever ends one process ends them all: half a replica would answer half of the requests.
    """
    stopping: List[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    children = [_start(arguments[0], number) for number in range(settings.processes)]
    control.send("loading")
    try:
        return _watch(children, settings, control, stopping)
    finally:
        for child in children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()


def _start(source: str, number: int) -> Child:
    launch = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "launch.py")
    command = [sys.executable, launch, source, "--process", str(number)]
    if sys.platform == "win32":
        return Child(number, subprocess.Popen(command, stdin=subprocess.PIPE), None)
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [*command, "--control-fd", str(theirs.fileno())], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )
    ours.setblocking(False)
    return Child(number, process, ours)


def _watch(children: List[Child], settings: Settings, control: Control, stopping: List[int]) -> int:
    told_ready = told_stop = False
    with selectors.DefaultSelector() as selector:
        for child in children:
            if child.line is not None:
                selector.register(child.line, selectors.EVENT_READ, child)
        while True:
            for key, _ in _wait(selector):
                _read_events(key.data, selector)
            if stopping and not told_stop:
                told_stop = True
                for child in children:
                    child.process.terminate()
            ended = [child for child in children if child.process.poll() is not None]
            if ended and not told_stop:
                return _report(ended[0], settings, control)
            if len(ended) == len(children):
                return 0
            if not told_ready and all(_is_ready(child, settings) for child in children):
                told_ready = True
                control.send("ready")


def _wait(selector: selectors.BaseSelector) -> "List[Any]":
    if selector.get_map():
        return selector.select(_TICK_SECONDS)
    time.sleep(_TICK_SECONDS)
    return []


def _read_events(child: Child, selector: selectors.BaseSelector) -> None:
    assert child.line is not None
    try:
        received = child.line.recv(65536)
    except BlockingIOError:
        return
    except OSError:
        received = b""
    if not received:
        selector.unregister(child.line)
        child.line.close()
        return
    *lines, child.buffer = (child.buffer + received).split(b"\n")
    for line in lines:
        event = json.loads(line)
        if event["event"] == "ready":
            child.is_ready = True
        elif event["event"] != "loading":
            child.failure = event


def _is_ready(child: Child, settings: Settings) -> bool:
    """Without a line from the child its port tells: it is bound only when the handler has loaded."""
    if not child.is_ready and child.line is None:
        child.is_ready = _accepts(settings.listen[child.number])
    return child.is_ready


def _accepts(address: Address) -> bool:
    try:
        socket.create_connection((address.host, address.port), timeout=_TICK_SECONDS).close()
        return True
    except OSError:
        return False


def _report(child: Child, settings: Settings, control: Control) -> int:
    """Passes on why `child` ended, in its own words when it had any."""
    status = child.process.wait()
    if child.failure is not None:
        control.send(**child.failure)
    else:
        failure = StartFailure(f"process {child.number + 1} of {settings.processes} {_ending(status)}")
        sys.stderr.write(failure.for_people() + "\n")
        if settings.termination_log:
            leave_word(failure, settings.termination_log)
        control.send("failed", error=failure.error, traceback="")
    return status if status > 0 else 128 - status


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
