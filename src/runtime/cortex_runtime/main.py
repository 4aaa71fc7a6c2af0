"""What a replica's process does from its start to its end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from typing import List, Optional

from .control import Control, die_with, die_with_stdin
from .failures import StartFailure, leave_word
from .logs import set_up_logs
from .settings import CommandLine, Settings, read_command_line, read_settings, tidy_environment

#: Seconds that threads of the handler, which nobody ends, may hold up the exit.
_EXIT_PATIENCE = 2.0


def main(arguments: List[str]) -> int:
    """Returns the exit status: 0 after a drain, 1 when it could not start."""
    command = read_command_line(arguments)
    try:
        settings = read_settings(command.source)
    except StartFailure as failure:
        return _report(failure, Control(None), None)
    _end_when_told()
    set_up_logs(settings.log_level)
    control = _hold_the_line(settings, command)
    try:
        status = _run(settings, command, control, arguments)
    except StartFailure as failure:
        status = _report(failure, control, settings)
    except Exception as error:  # a fault of ours, or of a package under us: no less does its reader need the cause
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        failed = StartFailure(f"the runtime failed: {type(error).__name__}: {error}", traceback=text)
        status = _report(failed, control, settings)
    _exit_soon(status)
    return status


def _run(settings: Settings, command: CommandLine, control: Control, arguments: List[str]) -> int:
    if settings.processes > 1 and command.process is None:
        from .supervise import supervise

        return supervise(settings, arguments, control)
    from .server import serve

    tidy_environment(command.source, settings)
    serve(settings, command.process or 0, control)
    return 0


def _end_when_told() -> None:
    """The first process of a container ignores signals that it does not ask for, and until it serves it has to obey."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))


def _report(failure: StartFailure, control: Control, settings: Optional[Settings]) -> int:
    sys.stderr.write(failure.for_people() + "\n")
    if settings and settings.termination_log:
        leave_word(failure, settings.termination_log)
    hint = {"hint": failure.hint} if failure.hint else {}
    control.send("failed", error=failure.error, traceback=failure.traceback, **hint)
    return 1


def _hold_the_line(settings: Settings, command: CommandLine) -> Control:
    """A process that another one started holds on to that one, the first one to whoever started the replica."""
    fd = settings.control_fd if command.process is None else command.control_fd
    if fd is not None:
        die_with(fd)
    elif settings.watch_stdin if command.process is None else sys.platform == "win32":
        die_with_stdin()
    return Control(fd)


def _exit_soon(status: int) -> None:
    """Threads that the handler started and never ends must not keep a stopped replica alive."""

    def end() -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)

    timer = threading.Timer(_EXIT_PATIENCE, end)
    timer.daemon = True
    timer.start()
