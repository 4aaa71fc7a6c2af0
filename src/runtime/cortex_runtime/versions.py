"""A user's own pins of uvicorn and Starlette win over what the runtime brings; here is which of them work."""

from __future__ import annotations

import re
from typing import Any, Optional, Tuple

from .failures import StartFailure

Version = Tuple[int, ...]
#: First version that works, and first that nobody has tried.
TESTED = {"uvicorn": ((0, 20), (1,)), "starlette": ((0, 27), (2,))}


def import_uvicorn() -> Any:
    """Raises StartFailure, saying what to change in the requirements, when it cannot be used."""
    try:
        import uvicorn
        import uvicorn.server
    except ImportError as error:
        raise StartFailure(
            f"uvicorn cannot be imported: {error}",
            hint="a package in your requirements is too old for it; allow typing_extensions>=4 and click>=7, h11>=0.8",
        ) from error
    check_version("uvicorn", uvicorn.__version__)
    check_starlette()
    return uvicorn


def check_starlette() -> None:
    """Importing the bare package reads no more than its version."""
    try:
        import starlette
    except ImportError:  # forms then fail, and only they
        return
    check_version("starlette", getattr(starlette, "__version__", ""))


def check_version(name: str, version: str) -> None:
    first, beyond = TESTED[name]
    parsed = _parse(version)
    if parsed is not None and not first <= parsed < beyond:
        raise StartFailure(
            f"{name} {version} is installed, the runtime works from {_text(first)} to below {_text(beyond)}",
            hint=f"require {name}>={_text(first)},<{_text(beyond)}, or drop the pin: the runtime brings its own {name}",
        )


def _parse(version: str) -> Optional[Version]:
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else None


def _text(version: Version) -> str:
    return ".".join(map(str, version))
