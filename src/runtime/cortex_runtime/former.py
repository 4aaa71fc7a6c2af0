"""What handlers for Cortex 0.26 to 0.35 import from Cortex itself: its logger, and nothing else of it."""

from __future__ import annotations

import json
import logging
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Optional

_LOG = "cortex_internal.lib.log"
_PACKAGES = ("cortex_internal", "cortex_internal.lib")
#: What every record has; all else was given as `extra`.
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class FormerModules:
    """Stands last in the line of finders: a package of the same name that the user brings along comes first."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> Optional[ModuleSpec]:
        if name != _LOG and name not in _PACKAGES:
            return None
        loader: Any = self
        return ModuleSpec(name, loader, is_package=name in _PACKAGES)

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual kind of module will do."""

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == _LOG:
            vars(module)["logger"] = _logger()


def offer_former_modules() -> None:
    finder: Any = FormerModules()
    sys.meta_path.append(finder)


def _logger() -> logging.Logger:
    logger = logging.getLogger("cortex")
    logger.addFilter(_show_extra)
    return logger


def _show_extra(record: logging.LogRecord) -> bool:
    """`logger.info("text", extra={...})` logged the fields too."""
    extra = {name: value for name, value in vars(record).items() if name not in _USUAL}
    if extra:
        record.msg = f"{record.getMessage()} {json.dumps(extra, default=str)}"
        record.args = None
    return True
