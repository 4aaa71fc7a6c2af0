"""What a replica prints: the user's own lines, and tracebacks of what failed."""

from __future__ import annotations

import logging
import sys
from typing import Any

from .tracebacks import user_traceback


def set_up_logs(level: str) -> None:
    """Every line leaves at once, in UTF-8 whatever the locale; `logging` writes to stderr from `level` on."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # Its errors repeat what the runtime says itself, or blame the server for what a client sent.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


class Journal:
    """Writes down what went wrong while serving: tracebacks go to the log and nowhere else."""

    def __init__(self, project_dir: str) -> None:
        self._project_dir = project_dir
        self._logger = logging.getLogger("cortex")

    def failure(self, error: BaseException, what: str, request_id: str = "") -> None:
        self._logger.error("%s\n%s", _named(what, request_id), user_traceback(error, self._project_dir).rstrip())

    def fault(self, what: str, request_id: str = "") -> None:
        """A mistake that raised nothing, such as a batch with too few results."""
        self._logger.error("%s", _named(what, request_id))


def _named(what: str, request_id: str) -> str:
    return f"{what} (request {request_id})" if request_id else what
