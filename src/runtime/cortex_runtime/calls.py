"""One request on its way through the handler, and the two direct ways: its turn in the executor, or the event loop."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Callable, Dict, Optional, Union

from .asgi import Receive, is_disconnected
from .loading import Method
from .logs import Journal
from .replies import Afterwards, Bare, Foreign, Reply, Streamed, internal_error, split_result, to_reply
from .workers import AnyChannel, Executor

#: What a call ends in: a whole answer, one that sends itself, or one that comes in pieces.
AnyReply = Union[Reply, Foreign, Streamed, AnyChannel]


class Call:
    """`arguments` holds whatever the method or what follows it wants; `arrived` is loop time, in seconds."""

    __slots__ = ("arguments", "future", "receive", "request_id", "arrived")

    def __init__(
        self, arguments: Dict[str, Any], future: "asyncio.Future[AnyReply]", receive: Receive, request_id: str
    ) -> None:
        self.arguments = arguments
        self.future = future
        self.receive = receive
        self.request_id = request_id
        self.arrived = 0.0

    def settle(self, reply: AnyReply) -> None:
        """In the loop only. Whoever waited may have gone."""
        if not self.future.done():
            self.future.set_result(reply)

    @property
    def is_abandoned(self) -> bool:
        return is_disconnected(self.receive)


def gone() -> Bare:
    """What a client that has hung up gets, for the statistics alone."""
    return Bare(499, [])


class Aftermath:
    """Runs what comes after an answer, in the background: `post_predict`, and callables that handlers return."""

    def __init__(
        self,
        after: Optional[Method],
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
        journal: Journal,
    ) -> None:
        self._after = after
        self._loop = loop
        self._executor = executor
        self._journal = journal
        self._running: "set[asyncio.Task[None]]" = set()

    def plan(self, call: Call, result: Any, afterwards: Afterwards) -> None:
        """From any thread, before the answer is delivered: so it is in line before a drain closes the line."""
        after = self._after
        if after is not None:
            given = {"response": result, **call.arguments}
            self._put(lambda: after.call(**{name: given[name] for name in after.wants}), call.request_id)
        if afterwards is not None:
            self._put(afterwards, call.request_id)

    def _put(self, function: Callable[[], Any], request_id: str) -> None:
        def run(_: Any) -> None:
            try:
                outcome = function()
                if inspect.iscoroutine(outcome):
                    self._executor.deliver(self._start, self._finish(outcome, request_id))
            except BaseException as error:
                self._journal.failure(error, "what runs after the answer failed", request_id)

        self._executor.submit(run, None)

    def _start(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _finish(self, coroutine: Any, request_id: str) -> None:
        try:
            await coroutine
        except Exception as error:
            self._journal.failure(error, "what runs after the answer failed", request_id)

    async def drain(self) -> None:
        """Waits for the coroutines that run now."""
        while self._running:
            await asyncio.wait(set(self._running))


class InTurn:
    """Runs a plain method when its turn comes in the executor."""

    def __init__(self, method: Method, aftermath: Aftermath, executor: Executor, journal: Journal) -> None:
        self._method = method
        self._aftermath = aftermath
        self._executor = executor
        self._journal = journal

    def start(self, call: Call) -> "asyncio.Future[AnyReply]":
        self._executor.submit(self._run, call)
        return call.future

    def _run(self, call: Call) -> None:
        if call.is_abandoned:
            self._executor.deliver(call.settle, gone())
            return
        try:
            result, afterwards = split_result(self._method.call(**own_arguments(self._method, call)))
            reply = to_reply(result)
            channel = self._executor.open_channel(reply.items) if type(reply) is Streamed and reply.items else None
        except BaseException as error:
            self._journal.failure(error, "the handler failed", call.request_id)
            self._executor.deliver(call.settle, internal_error())
            return
        if channel is not None:
            self._executor.deliver(call.settle, channel)
            channel.run(self._journal, call.request_id)
        self._aftermath.plan(call, result, afterwards)
        if channel is None:
            self._executor.deliver(call.settle, reply)


class InLoop:
    """Awaits an `async def` method."""

    def __init__(self, method: Method, aftermath: Aftermath, journal: Journal) -> None:
        self._method = method
        self._aftermath = aftermath
        self._journal = journal

    async def start(self, call: Call) -> AnyReply:
        try:
            result, afterwards = split_result(await self._method.call(**own_arguments(self._method, call)))
            reply = to_reply(result)
        except Exception as error:
            self._journal.failure(error, "the handler failed", call.request_id)
            return internal_error()
        self._aftermath.plan(call, result, afterwards)
        return reply


def own_arguments(method: Method, call: Call) -> Dict[str, Any]:
    arguments = call.arguments
    if len(arguments) == len(method.wants):
        return arguments
    return {name: arguments[name] for name in method.wants}
