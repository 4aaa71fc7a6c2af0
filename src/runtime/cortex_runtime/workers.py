"""The threads that run the user's code, and the way back from them to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from queue import SimpleQueue
from typing import Any, AsyncIterator, Callable, Deque, Iterator, List, Optional, Protocol, Tuple, TypeVar

from .logs import Journal
from .streams import Channel

Task = Callable[[Any], None]
Result = TypeVar("Result")


class Outbox:
    """Hands values from any thread to callbacks in the loop; many values cost one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._values: "Deque[Tuple[Callable[[Any], None], Any]]" = deque()
        self._is_scheduled = False

    def deliver(self, callback: Callable[[Any], None], value: Any) -> None:
        self._values.append((callback, value))
        # Seen as scheduled, the hand-over has yet to clear the mark and so to find the value just appended.
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._is_scheduled = False
        values = self._values
        while values:
            callback, value = values.popleft()
            callback(value)


class AnyChannel(Protocol):
    """What a generator yields, as bytes, on its way to the client (see Channel)."""

    content_type: "Tuple[bytes, bytes]"
    failed: bool

    def run(self, journal: Journal, request_id: str) -> None: ...
    def __aiter__(self) -> "AsyncIterator[bytes]": ...
    def close(self) -> None: ...


class Executor(Protocol):
    """Where plain methods run: Workers, or InLine."""

    def submit(self, task: Task, argument: Any) -> None:
        """Has `task(argument)` run when its turn comes, after all that was submitted before."""

    def deliver(self, callback: Callable[[Any], None], value: Any) -> None:
        """From a task: has `callback(value)` run in the loop's thread, in the order of delivery."""

    def arrival(self) -> float:
        """Loop time, in seconds, at which the request that is being read has come."""

    def open_channel(self, items: "Iterator[Any]") -> AnyChannel:
        """From a task: takes the first item. `run` of the channel is the task's as well."""

    def load(self, function: "Callable[[], Result]") -> Result:
        """Runs `function` in the thread in which, if it is the only one, tasks run. Raises what it raises."""

    def close(self) -> None:
        """Waits until all that was submitted has run."""


class Workers:
    """Exactly `count` threads; what is submitted waits in line. The first one also loads the handler.

    Libraries that bind their state to a thread then find, with one thread, the same one in `__init__` and in requests.
    """

    def __init__(self, count: int, loop: asyncio.AbstractEventLoop, journal: Journal) -> None:
        self._count = count
        self._journal = journal
        self.deliver = Outbox(loop).deliver
        self.arrival = loop.time
        self._tasks: "SimpleQueue[Optional[Tuple[Task, Any]]]" = SimpleQueue()
        self._threads: List[threading.Thread] = []
        self._start_thread()

    def submit(self, task: Task, argument: Any) -> None:
        """Has a thread run `task(argument)` when its turn comes; from any thread."""
        self._tasks.put((task, argument))

    def open_channel(self, items: "Iterator[Any]") -> Channel:
        return Channel.open(items, self.deliver)

    def load(self, function: "Callable[[], Result]") -> Result:
        """Runs `function` in the first thread, then starts the others. What it raises is raised here."""
        outcome: "SimpleQueue[Tuple[Optional[BaseException], Any]]" = SimpleQueue()

        def attempt(_: Any) -> None:
            try:
                outcome.put((None, function()))
            except BaseException as error:
                outcome.put((error, None))

        self.submit(attempt, None)
        error, result = outcome.get()
        if error is not None:
            raise error
        for _ in range(self._count - 1):
            self._start_thread()
        loaded: Result = result
        return loaded

    def close(self) -> None:
        """Waits until all that was submitted has run."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"handler-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        take = self._tasks.get
        while True:
            work = take()
            if work is None:
                return
            try:
                work[0](work[1])
            except BaseException as error:  # tasks answer for the user's errors themselves; the thread must live on
                self._journal.failure(error, "a task failed")
            work = None  # keeps no request alive while waiting for the next
