"""Answers that come piece by piece: events for a browser, or bytes as they are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from itertools import chain
from typing import Any, AsyncIterator, Callable, Deque, Iterator, Optional, Tuple

from .logs import Journal

#: Hands a value to a callback in the loop.
Deliver = Callable[[Callable[[Any], None], Any], None]

#: Pieces that a generator may be ahead of a slow client.
AHEAD = 32
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
_BYTES = (b"content-type", b"application/octet-stream")
#: Ends an event stream that broke. Without it a browser would reconnect and start over.
BROKEN_EVENT = b"event: error\ndata: internal server error\n\n"


def event(item: Any) -> bytes:
    """One server-sent event: a str as its data, bytes as they are (an event already), anything else as JSON."""
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    text = item if isinstance(item, str) else json.dumps(item)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join([*(f"data: {line}\n" for line in lines), "\n"]).encode()


def piece(item: Any) -> bytes:
    """Part of a stream whose first item was bytes."""
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, (bytes, bytearray, memoryview)):
        return bytes(item)
    raise TypeError(f"a generator that began with bytes went on with {type(item).__name__}")


def framing(first: Any) -> "Tuple[Tuple[bytes, bytes], Callable[[Any], bytes]]":
    """The first item decides: bytes make a stream of bytes, all else makes events."""
    return (_BYTES, piece) if isinstance(first, (bytes, bytearray, memoryview)) else (EVENTS, event)


class Channel:
    """Carries what a generator yields from its worker thread to the loop, and its end.

    Iterating (in the loop) gives bytes; `failed` tells afterwards whether the generator raised.
    """

    def __init__(self, items: "Iterator[Any]", first: "Tuple[Any, ...]", deliver: Deliver) -> None:
        """`first` holds the first item, taken already, or nothing when there is none."""
        self.content_type, self._encode = framing(first[0] if first else "")
        self.failed = False
        self._items = items
        self._first = first
        self._deliver = deliver
        self._room = threading.Semaphore(AHEAD)
        self._is_closed = False
        self._arrived: Deque[bytes] = deque()
        self._has_ended = False
        self._waiter: "Optional[asyncio.Future[None]]" = None

    @staticmethod
    def open(items: "Iterator[Any]", deliver: Deliver) -> "Channel":
        """Takes the first item already, so that a generator that fails at once is a plain 500."""
        for first in items:
            return Channel(items, (first,), deliver)
        return Channel(items, (), deliver)

    def run(self, journal: Journal, request_id: str) -> None:
        """In the worker thread: yields until the end, or until the client has gone; waits while it is slow."""
        try:
            for item in chain(self._first, self._items):
                chunk = self._encode(item)
                self._room.acquire()
                if self._is_closed:
                    break
                self._deliver(self._arrive, chunk)
            self._close_items()
        except BaseException as error:
            self.failed = True
            journal.failure(error, "the generator failed", request_id)
        finally:
            self._deliver(self._end, None)

    def _close_items(self) -> None:
        """Runs the generator's `finally` here, in the thread that ran the rest of it."""
        close = getattr(self._items, "close", None)
        if close is not None:
            close()

    def close(self) -> None:
        """In the loop: nobody reads any more."""
        self._is_closed = True
        self._room.release()

    async def __aiter__(self) -> "AsyncIterator[bytes]":
        loop = asyncio.get_running_loop()
        while True:
            if self._arrived:
                count = len(self._arrived)
                yield b"".join(self._arrived.popleft() for _ in range(count))
                for _ in range(count):
                    self._room.release()
            elif self._has_ended:
                return
            else:
                self._waiter = loop.create_future()
                await self._waiter

    def _arrive(self, chunk: bytes) -> None:
        self._arrived.append(chunk)
        self._wake()

    def _end(self, _: None) -> None:
        self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)



async def encoded(
    items: "AsyncIterator[Any]", first: "Tuple[Any, ...]", encode: "Callable[[Any], bytes]"
) -> "AsyncIterator[bytes]":
    """The items of an async generator as bytes; `first` as in Channel."""
    for item in first:
        yield encode(item)
    async for item in items:
        yield encode(item)
