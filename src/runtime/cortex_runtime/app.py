"""The ASGI application: one handler, any path."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any, Awaitable, Callable, Dict, Mapping, Optional

from .asgi import Message, Receive, Scope, Send, is_disconnected
from .beside import PATHS, Beside
from .calls import AnyReply, Call
from .logs import Journal
from .mappings import Headers, QueryParams
from .metrics import Meter
from .payloads import FORM, Disconnected, Refused, decode, kind_of, read_body, read_form
from .replies import ALLOW_ORIGIN, FOR_ORIGIN, Foreign, HeaderList, Reply, Streamed, internal_error
from .streams import BROKEN_EVENT, EVENTS, encoded, framing
from .workers import AnyChannel

Start = Callable[[Call], Awaitable[AnyReply]]


class Route:
    """How one HTTP method is answered: what has to be read from the request, and what starts the call."""

    __slots__ = ("start", "wants_payload", "wants_query", "wants_headers")

    def __init__(self, start: Start, wants: "frozenset[str]") -> None:
        self.start = start
        self.wants_payload = "payload" in wants
        self.wants_query = "query_params" in wants
        self.wants_headers = "headers" in wants


class Application:
    def __init__(
        self,
        routes: Mapping[str, Route],
        beside: Beside,
        meter: Meter,
        journal: Journal,
        loop: asyncio.AbstractEventLoop,
        max_body_bytes: Optional[int],
    ) -> None:
        self._routes = dict(routes)
        self._beside = beside
        self._meter = meter
        self._journal = journal
        self._create_future = loop.create_future
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        route = self._routes.get(scope["method"])
        if route is None or scope["path"] in PATHS:
            reply = self._beside.answer(scope)
            if reply is not None:
                await _send_reply(reply, send)
                return
        meter = self._meter
        meter.in_flight += 1
        started = perf_counter()
        status = 500
        try:
            if route is None:
                reply = self._beside.refuse(scope)
                status = reply.status
                await _send_reply(reply, send)
            else:
                status = await self._serve(route, scope, receive, send)
        finally:
            meter.in_flight -= 1
            meter.observe(status, perf_counter() - started)

    async def _serve(self, route: Route, scope: Scope, receive: Receive, send: Send) -> int:
        content_type = request_id = b""
        has_origin = False
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"x-request-id":
                request_id = value
            elif name == b"origin":
                has_origin = True
        try:
            arguments = await self._arguments(route, content_type, scope, receive)
            call = Call(arguments, self._create_future(), receive, request_id.decode("latin-1"))
            reply = await route.start(call)
        except Refused as refused:
            reply = refused.reply
        except Disconnected:
            return 499
        except Exception as error:
            self._journal.failure(error, "the request could not be read", request_id.decode("latin-1"))
            reply = internal_error()
        if isinstance(reply, Reply):
            if has_origin:
                reply.headers += FOR_ORIGIN
            await _send_reply(reply, send)
            return reply.status
        return await self._send_other(reply, scope, receive, _with_origin(send) if has_origin else send)

    async def _arguments(self, route: Route, content_type: bytes, scope: Scope, receive: Receive) -> Dict[str, Any]:
        arguments: Dict[str, Any] = {}
        if route.wants_payload:
            kind, charset = kind_of(content_type)
            if kind == FORM:
                arguments["payload"] = await read_form(scope, receive, self._max_body_bytes)
            else:
                body = await read_body(receive, self._max_body_bytes)
                arguments["payload"] = decode(kind, charset, body)
        if route.wants_query:
            arguments["query_params"] = QueryParams(scope["query_string"])
        if route.wants_headers:
            arguments["headers"] = Headers(scope["headers"])
        return arguments

    async def _send_other(self, reply: AnyReply, scope: Scope, receive: Receive, send: Send) -> int:
        if isinstance(reply, Foreign):
            return await self._send_foreign(reply, scope, receive, send)
        if isinstance(reply, Streamed):
            assert reply.async_items is not None
            return await self._send_async(reply.async_items, receive, send)
        assert not isinstance(reply, Reply)
        return await self._send_channel(reply, receive, send)

    async def _send_foreign(self, reply: Foreign, scope: Scope, receive: Receive, send: Send) -> int:
        has_started = False

        async def allowing_send(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers: HeaderList = list(message.get("headers", ()))
                if all(name.lower() != ALLOW_ORIGIN[0] for name, _ in headers):
                    headers.append(ALLOW_ORIGIN)
                message["headers"] = headers
            await send(message)

        try:
            await reply.response(scope, receive, allowing_send)
            return reply.status
        except Exception as error:
            self._journal.failure(error, "the response that the handler returned failed")
            if not has_started:
                await _send_reply(internal_error(), send)
            return 500

    async def _send_channel(self, channel: AnyChannel, receive: Receive, send: Send) -> int:
        try:
            await _send_start(channel.content_type, send)
            async for chunk in channel:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if is_disconnected(receive):
                    return 499
            await _send_end(channel.content_type, channel.failed, send)
            return 500 if channel.failed else 200
        finally:
            channel.close()

    async def _send_async(self, items: Any, receive: Receive, send: Send) -> int:
        try:
            first = [item async for item in _only_first(items)]
        except Exception as error:
            self._journal.failure(error, "the handler failed")
            await _send_reply(internal_error(), send)
            return 500
        content_type, encode = framing(first[0] if first else "")
        failed = False
        try:
            await _send_start(content_type, send)
            async for chunk in encoded(items, tuple(first), encode):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if is_disconnected(receive):
                    return 499
        except Exception as error:
            failed = True
            self._journal.failure(error, "the generator failed")
        finally:
            await items.aclose()
        await _send_end(content_type, failed, send)
        return 500 if failed else 200


async def _only_first(items: Any) -> Any:
    """Takes one item at most and leaves the generator open for the rest."""
    try:
        yield await items.__anext__()
    except StopAsyncIteration:
        return


async def _send_reply(reply: Reply, send: Send) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _send_start(content_type: "tuple[bytes, bytes]", send: Send) -> None:
    headers = [content_type, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"), ALLOW_ORIGIN]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _send_end(content_type: "tuple[bytes, bytes]", failed: bool, send: Send) -> None:
    """A stream that failed is cut, not ended: returning without the last chunk makes uvicorn close the connection."""
    if not failed:
        await send({"type": "http.response.body", "body": b""})
    elif content_type == EVENTS:
        await send({"type": "http.response.body", "body": BROKEN_EVENT, "more_body": True})


def _with_origin(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *FOR_ORIGIN]
        await send(message)

    return with_headers
