"""Tracebacks as their reader wants them: the user's frames alone, with paths below the project."""

from __future__ import annotations

import os
import traceback
from typing import List, Optional

_runtime_folder = os.path.dirname(os.path.abspath(__file__)) + os.sep


def user_traceback(error: BaseException, project_dir: str) -> str:
    """What Python would print for `error`, without the frames of the runtime and of the import system."""
    described = traceback.TracebackException.from_exception(error)
    _trim(described, os.path.join(project_dir, ""), set())
    if isinstance(error, SyntaxError) and not described.stack:
        return "".join(described.format_exception_only())
    return "".join(described.format())


def one_line(error: BaseException, project_dir: str) -> str:
    """`TypeError: message (handler.py:12)`; of a message with several lines the first."""
    message = str(error).strip().split("\n")[0]
    if isinstance(error, SyntaxError):
        message = error.msg
    name = type(error).__name__
    place = _place(error, os.path.join(project_dir, ""))
    return (f"{name}: {message}" if message else name) + (f" ({place})" if place else "")


def _place(error: BaseException, project: str) -> Optional[str]:
    """`file:line` of the innermost frame that is the user's own."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shortened(error.filename, project)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__, limit=None)
    own = [frame for frame in frames if frame.filename.startswith(project)]
    return f"{_shortened(own[-1].filename, project)}:{own[-1].lineno}" if own else None


def _trim(described: traceback.TracebackException, project: str, seen: "set[int]") -> None:
    if id(described) in seen:
        return
    seen.add(id(described))
    if getattr(described, "filename", None):  # a SyntaxError names its file beside the stack
        described.filename = _shortened(str(described.filename), project)
    kept: List[traceback.FrameSummary] = []
    for frame in described.stack or ():
        if frame.filename.startswith((_runtime_folder, "<frozen importlib", "<frozen runpy")):
            continue
        frame.line  # noqa: B018 - reads the source line while the name still leads to the file
        frame.filename = _shortened(frame.filename, project)
        kept.append(frame)
    described.stack[:] = kept
    others = [described.__cause__, described.__context__, *(getattr(described, "exceptions", None) or ())]
    for other in others:
        if other is not None:
            _trim(other, project, seen)


def _shortened(filename: str, project: str) -> str:
    return filename[len(project) :] if filename.startswith(project) else filename
