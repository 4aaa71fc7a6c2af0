"""The line to whoever started this process: events go up, and its end means: die, now."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import threading
from typing import Any, Callable, Optional

#: Longest traceback in an event, in characters; the whole of it is in the log. Keeps an event within a socket's buffer.
_MAX_TEXT = 16_000


class Control:
    """Writes events as lines of JSON; without a descriptor they go nowhere."""

    def __init__(self, fd: Optional[int]) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        if fd is not None:
            os.set_inheritable(fd, False)

    def send(self, event: str, **details: Any) -> None:
        if self._fd is None:
            return
        shortened = {key: value[-_MAX_TEXT:] if isinstance(value, str) else value for key, value in details.items()}
        line = json.dumps({"event": event, **shortened}).encode() + b"\n"
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._fd, line) :]
            except OSError:  # nobody listens; the end of the line is noticed elsewhere
                pass


def die_with(fd: int) -> None:
    """Kills the process group as soon as the other end of `fd` closes.

    On Linux the kernel does so, even while a handler holds the interpreter: SIGKILL is the signal for news on `fd`.
    The other end therefore never writes. Elsewhere, and for an end that came before, a thread reads.
    """
    if sys.platform == "linux":
        _have_kernel_kill(fd)
    watch_end(lambda: _read(fd))


def _read(fd: int) -> bytes:
    """Waits apart from reading: Linux sends no signal for a socket while a thread is blocked in reading it."""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        selector.select()
    return os.read(fd, 1)


def die_with_stdin() -> None:
    watch_end(lambda: sys.stdin.buffer.read(1))


def watch_end(read: Callable[[], bytes]) -> None:
    def watch() -> None:
        try:
            while read():
                pass
        except OSError:
            pass
        kill_group()

    threading.Thread(target=watch, name="control", daemon=True).start()


def kill_group() -> None:
    """Ends this process, and its whole group where it leads one."""
    if sys.platform == "win32":
        os._exit(137)
    elif os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def _have_kernel_kill(fd: int) -> None:
    if sys.platform != "linux":
        return
    import fcntl

    f_setsig = 10  # linux/fcntl.h; Python names it only from 3.13 on
    owner = -os.getpgrp() if os.getpgrp() == os.getpid() else os.getpid()
    try:
        fcntl.fcntl(fd, fcntl.F_SETOWN, owner)
        fcntl.fcntl(fd, f_setsig, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:  # a pipe of a sandbox that knows no such thing: the thread is enough for all but stuck handlers
        pass
