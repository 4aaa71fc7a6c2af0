"""The handler in the event loop's own thread: for processes in which nothing else could run meanwhile anyway."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from time import perf_counter
from typing import Any, Callable, Deque, Iterator, Tuple, TypeVar

from .logs import Journal
from .streams import framing
from .workers import Task

Result = TypeVar("Result")

#: Seconds. Short tasks that wait run on for so long, as a change between user code and loop costs both their caches.
SLICE = 0.001
#: Seconds. After a task that took longer, the loop first reads all that came meanwhile: requests, and hang-ups.
LONG = 0.002
#: Rounds of the loop from a waiting connection to its first request, and to the news that its client has gone again.
CATCH_UP_ROUNDS = 8
_END = object()


class InLine:
    """What Workers is, without a thread: runs one task at a time, in the order in which they come.

    Between two tasks, or slices of short ones, the loop writes what they answered and reads what has come. While user code runs, no
    loop counts as running in this thread, so that it may run one of its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Journal) -> None:
        self._loop = loop
        self._journal = journal
        # One for all, as a thread has: context variables (and decimal's precision) set in `__init__` hold in requests.
        self._context = contextvars.copy_context()
        self._waiting: "Deque[Tuple[Task, Any]]" = deque()
        self._began = self._arrival = 0.0
        self._is_taken = self._is_running = self._is_held = self._is_resting = self._is_behind = False

    def load(self, function: "Callable[[], Result]") -> Result:
        return self.call(function)

    def submit(self, task: Task, argument: Any) -> None:
        """Runs `task(argument)`, at once when it is its turn. In the loop's thread only."""
        if not self._is_taken:
            self._begin_slice()
        elif self._is_running or self._waiting or not self._has_time():
            self._waiting.append((task, argument))
            return
        self._attempt(task, argument)
        self._rest()

    def deliver(self, callback: Callable[[Any], None], value: Any) -> None:
        callback(value)

    def arrival(self) -> float:
        """Loop time, in seconds, at which what is read now may have come: not later than the task that held it up."""
        return self._arrival if self._is_behind else self._loop.time()

    def open_channel(self, items: "Iterator[Any]") -> "Steps":
        """Takes the first item already, so that a generator that fails at once is a plain 500."""
        for first in items:
            return Steps(items, (first,), self)
        return Steps(items, (), self)

    def call(self, function: "Callable[..., Result]", *arguments: Any) -> Result:
        """Runs user code, as if in a thread without a loop. Raises what it raises."""
        running = asyncio._get_running_loop()
        task = None if running is None else asyncio.current_task(running)
        if running is not None and task is not None:
            asyncio.tasks._leave_task(running, task)
        asyncio._set_running_loop(None)
        try:
            return self._context.run(function, *arguments)
        finally:
            asyncio._set_running_loop(running)
            if running is not None and task is not None:
                asyncio.tasks._enter_task(running, task)

    def hold(self) -> None:
        """The task that runs keeps its turn beyond its return, until `release`."""
        self._is_held = True

    def release(self) -> None:
        self._is_held = False
        self._rest()

    def close(self) -> None:
        """Runs what still waits. The loop must not be running any more."""
        while self._waiting:
            self._attempt(*self._waiting.popleft())

    def _attempt(self, task: Task, argument: Any) -> None:
        self._is_running = True
        try:
            self.call(task, argument)
        except BaseException as error:  # tasks answer for the user's errors themselves; the loop must live on
            self._journal.failure(error, "a task failed")
        self._is_running = False

    def _begin_slice(self) -> None:
        self._is_taken = self._is_behind = True
        self._arrival = self._loop.time()
        self._began = perf_counter()

    def _has_time(self) -> bool:
        return not self._is_held and perf_counter() - self._began < SLICE

    def _rest(self) -> None:
        """The first round starts what the tasks have settled and what came meanwhile; at its end answers leave."""
        if not self._is_resting and not self._is_held:
            self._is_resting = True
            rounds = CATCH_UP_ROUNDS if perf_counter() - self._began > LONG else 0
            self._loop.call_soon(self._loop.call_soon, self._catch_up, rounds)

    def _catch_up(self, rounds: int) -> None:
        self._is_behind = False
        if rounds:
            self._loop.call_soon(self._catch_up, rounds - 1)
            return
        self._is_resting = False
        if self._is_held:
            return
        if not self._waiting:
            self._is_taken = False
            return
        self._begin_slice()
        for _ in range(len(self._waiting)):  # what they submit themselves comes after their answers
            self._attempt(*self._waiting.popleft())
            if not self._has_time():
                break
        self._rest()


class Steps:
    """What Channel is for a generator that runs in line: each item leaves before the next one is made.

    The generator keeps its turn until its end, as it would keep the one thread.
    """

    def __init__(self, items: "Iterator[Any]", first: "Tuple[Any, ...]", line: InLine) -> None:
        """`first` holds the first item, taken already, or nothing when there is none."""
        self.content_type, self._encode = framing(first[0] if first else "")
        self.failed = False
        self._items = items
        self._first = first
        self._line = line
        self._is_closed = False

    def run(self, journal: Journal, request_id: str) -> None:
        """Takes the turn for as long as there are items; they are made by iterating."""
        self._journal = journal
        self._request_id = request_id
        self._line.hold()

    def __aiter__(self) -> "Steps":
        return self

    async def __anext__(self) -> bytes:
        """In the loop; `close` ends it."""
        if self._first:
            return self._attempt(self._take_first)
        await asyncio.sleep(0)  # a round of the loop: what was sent leaves, and a client that hung up is noticed
        return self._attempt(self._make)

    def close(self) -> None:
        """In the loop: nobody reads any more. Runs the generator's `finally`."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._line.call(getattr(self._items, "close", lambda: None))
        except BaseException as error:
            self._journal.failure(error, "the generator failed", self._request_id)
        self._line.release()

    def _attempt(self, step: Callable[[], Any]) -> bytes:
        try:
            chunk = self._line.call(step)
        except BaseException as error:
            self.failed = True
            self._journal.failure(error, "the generator failed", self._request_id)
            chunk = _END
        if chunk is _END:
            raise StopAsyncIteration
        made: bytes = chunk
        return made

    def _take_first(self) -> bytes:
        (first,), self._first = self._first, ()
        return self._encode(first)

    def _make(self) -> Any:
        item = next(self._items, _END)
        return item if item is _END else self._encode(item)
