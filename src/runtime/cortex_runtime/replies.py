"""From what a handler returns to what goes over the wire."""

from __future__ import annotations

import json
import sys
from inspect import isasyncgen, isgenerator
from typing import Any, AsyncIterator, Callable, Iterator, List, Optional, Tuple, Union

HeaderList = List[Tuple[bytes, bytes]]

#: Any web page may call the API: it carries no cookies of its own, and who may reach it is decided in front of it.
ALLOW_ORIGIN = (b"access-control-allow-origin", b"*")
FOR_ORIGIN: HeaderList = [
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", b"Content-Length,Content-Range"),
]
_JSON = (b"content-type", b"application/json")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_BYTES = (b"content-type", b"application/octet-stream")
#: str() of every size up to 4 KiB, as most answers are that short.
_LENGTHS = [b"%d" % size for size in range(4096)]
_encode_json = json.JSONEncoder().encode
NOT_JSON_ADVICE = (
    "return what json.dumps takes (also in nested fields; .tolist() helps with numpy), bytes, str, "
    "a generator or a starlette.responses.Response"
)


class Reply:
    """A whole answer."""

    __slots__ = ("status", "headers", "body")

    def __init__(self, status: int, content_type: "Tuple[bytes, bytes]", body: bytes) -> None:
        size = len(body)
        length = _LENGTHS[size] if size < 4096 else b"%d" % size
        self.status = status
        self.headers: HeaderList = [content_type, (b"content-length", length), ALLOW_ORIGIN]
        self.body = body


class Bare(Reply):
    """An answer with no body and just these headers."""

    __slots__ = ()

    def __init__(self, status: int, headers: HeaderList) -> None:
        self.status = status
        self.headers = headers
        self.body = b""


class Foreign:
    """A response object of Starlette, which sends itself."""

    __slots__ = ("response", "status")

    def __init__(self, response: Any) -> None:
        self.response = response
        self.status = int(getattr(response, "status_code", 200))


class Streamed:
    """Items that are still to come, from a generator (`items`) or an async one (`async_items`)."""

    __slots__ = ("items", "async_items")

    def __init__(
        self, items: "Optional[Iterator[Any]]" = None, async_items: "Optional[AsyncIterator[Any]]" = None
    ) -> None:
        self.items = items
        self.async_items = async_items


Afterwards = Optional[Callable[[], Any]]


def split_result(result: Any) -> "Tuple[Any, Afterwards]":
    """A handler may return `(result, callable)`: the callable runs when the answer is out."""
    if type(result) is tuple and len(result) == 2 and callable(result[1]):
        return result
    return result, None


def to_reply(result: Any) -> "Union[Reply, Foreign, Streamed]":
    """Raises TypeError or ValueError, whose text ends in advice, when `result` cannot be sent."""
    kind = type(result)
    if kind is str:
        return Reply(200, _TEXT, result.encode())
    if kind is dict or kind is list:
        return _json_reply(result)
    if isinstance(result, bytes):
        return Reply(200, _BYTES, result)
    if isinstance(result, str):
        return Reply(200, _TEXT, result.encode())
    if isgenerator(result):
        return Streamed(items=result)
    if isasyncgen(result):
        return Streamed(async_items=result)
    starlette = sys.modules.get("starlette.responses")
    if starlette is not None and isinstance(result, starlette.Response):
        return Foreign(result)
    return _json_reply(result)


def _json_reply(result: Any) -> Reply:
    try:
        text = _encode_json(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{error}; {NOT_JSON_ADVICE}") from None
    return Reply(200, _JSON, text.encode())


def text_reply(status: int, text: str) -> Reply:
    return Reply(status, _TEXT, text.encode("utf-8", "replace"))


def error_reply(status: int, message: str) -> Reply:
    return json_reply(status, {"error": message})


def json_reply(status: int, value: "dict[str, str]") -> Reply:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Reply(status, _JSON, text.encode("utf-8", "replace"))


def internal_error() -> Reply:
    """Says nothing of the cause: that is for the log."""
    return text_reply(500, "internal server error")
