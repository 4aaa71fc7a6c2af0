"""From a request's body to the payload that the handler gets; the content type decides."""

from __future__ import annotations

import inspect
import json
import re
import sys
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple

from .asgi import Receive, Scope
from .replies import Reply, error_reply, text_reply

RAW, JSON, FORM, TEXT = range(4)


class Refused(Exception):
    """The request cannot be handled; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class Disconnected(Exception):
    """The client hung up before its body was here."""


@lru_cache(maxsize=256)
def kind_of(content_type: bytes) -> "Tuple[int, str]":
    """Returns how to read a body of this content type, and the charset for TEXT."""
    lowered = content_type.decode("latin-1").lower()
    if lowered.startswith("application/json"):
        return JSON, ""
    if lowered.startswith(("multipart/form", "application/x-www-form-urlencoded")):
        return FORM, ""
    if lowered.startswith("text/plain"):
        charsets = re.findall(r"charset=(\S+)", lowered)
        return TEXT, charsets[-1].rstrip(";").strip("\"'") if charsets else "utf-8"
    return RAW, ""


async def read_body(receive: Receive, limit: Optional[int]) -> bytes:
    """Raises Refused (413) past `limit` bytes, and Disconnected."""
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if limit is not None and len(body) > limit:
            raise _too_large(limit)
        return body
    chunks: List[bytes] = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected()
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if limit is not None and size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def decode(kind: int, charset: str, body: bytes) -> Any:
    """Raises Refused (400) when the body is not what its content type says."""
    if kind == JSON:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(error_reply(400, str(error))) from None
    if kind == TEXT:
        try:
            return body.decode(charset)
        except (LookupError, ValueError) as error:
            raise Refused(text_reply(400, str(error))) from None
    return body


async def read_form(scope: Scope, receive: Receive, limit: Optional[int]) -> Any:
    """Returns Starlette's FormData; files come as UploadFile, large ones on disk. Raises Refused (400, 413)."""
    from starlette.requests import ClientDisconnect, Request

    counted = receive if limit is None else _counting(receive, limit)
    options: Dict[str, Any] = {}
    if "max_part_size" in inspect.signature(Request.form).parameters:
        options["max_part_size"] = sys.maxsize  # a field may be as large as the whole body may
    try:
        return await Request(scope, counted).form(**options)
    except Refused:
        raise
    except ClientDisconnect:
        raise Disconnected() from None
    except AssertionError as error:  # python-multipart is missing: a fault of this machine, not of the client
        raise RuntimeError(str(error)) from error
    except Exception as error:
        message = getattr(error, "message", None) or getattr(error, "detail", None) or str(error)
        raise Refused(text_reply(400, str(message))) from None


def _counting(receive: Receive, limit: int) -> Receive:
    size = 0

    async def counted() -> Any:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> Refused:
    return Refused(error_reply(413, f"the body is larger than the limit of {limit} bytes"))
