"""The little of ASGI that the runtime speaks."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, MutableMapping

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def is_disconnected(receive: Receive) -> bool:
    """Whether the client has hung up, without waiting.

    ASGI can only wait for that, which would cost a task per request; uvicorn's request knows it and owns `receive`.
    """
    return bool(getattr(getattr(receive, "__self__", None), "disconnected", False))
