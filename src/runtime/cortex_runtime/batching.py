"""Server-side batching: requests that come close together share one call of the handler."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, Optional, Tuple

from .calls import Aftermath, AnyReply, Call, gone
from .loading import Method
from .logs import Journal
from .replies import Streamed, internal_error, split_result, to_reply
from .settings import Batching
from .workers import Executor

Answers = List[Tuple[Call, AnyReply]]


class Batcher:
    """Collects in the loop and runs one batch at a time: a full one at once, else when its oldest has waited.

    What arrives while a batch runs is the next one.
    """

    def __init__(
        self,
        method: Method,
        batching: Batching,
        aftermath: Aftermath,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
        journal: Journal,
    ) -> None:
        self._method = method
        self._max_size = batching.max_batch_size
        self._interval = batching.interval_seconds
        self._aftermath = aftermath
        self._loop = loop
        self._executor = executor
        self._journal = journal
        self._waiting: List[Call] = []
        self._timer: Optional[asyncio.TimerHandle] = None
        self._is_running = False
        self._tasks: "set[asyncio.Task[None]]" = set()

    def start(self, call: Call) -> "asyncio.Future[AnyReply]":
        call.arrived = self._executor.arrival()
        self._waiting.append(call)
        if not self._is_running:
            if len(self._waiting) >= self._max_size:
                self._launch()
            elif self._timer is None:
                self._timer = self._loop.call_later(self._due_in(call), self._launch)
        return call.future

    def _launch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        calls = self._take()
        if not calls:
            return
        self._is_running = True
        if self._method.is_async:
            task = self._loop.create_task(self._run_in_loop(calls))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._executor.submit(self._run, calls)

    def _take(self) -> List[Call]:
        """Returns the next calls whose clients still wait."""
        calls: List[Call] = []
        while self._waiting and not calls:
            oldest = self._waiting[: self._max_size]
            del self._waiting[: self._max_size]
            for call in oldest:
                if call.is_abandoned:
                    call.settle(gone())
                else:
                    calls.append(call)
        return calls

    def _run(self, calls: List[Call]) -> None:
        try:
            answers = self._answers(calls, self._method.call(**self._arguments(calls)))
        except BaseException as error:
            answers = self._failed(calls, error)
        self._executor.deliver(self._finish, answers)

    async def _run_in_loop(self, calls: List[Call]) -> None:
        try:
            answers = self._answers(calls, await self._method.call(**self._arguments(calls)))
        except Exception as error:
            answers = self._failed(calls, error)
        self._finish(answers)

    def _arguments(self, calls: List[Call]) -> Dict[str, List[Any]]:
        return {name: [call.arguments[name] for call in calls] for name in self._method.wants}

    def _answers(self, calls: List[Call], results: Any) -> Answers:
        if not isinstance(results, list):
            kind = type(results).__name__
            self._journal.fault(f"with server_side_batching the handler must return a list, not {kind}")
            return [(call, internal_error()) for call in calls]
        if len(results) != len(calls):
            self._journal.fault(f"the handler got {len(calls)} requests in a batch and returned {len(results)} results")
            return [(call, internal_error()) for call in calls]
        return [(call, self._answer(call, result)) for call, result in zip(calls, results)]

    def _answer(self, call: Call, result: Any) -> AnyReply:
        try:
            if isinstance(result, Exception):
                raise result
            result, afterwards = split_result(result)
            reply = to_reply(result)
            if type(reply) is Streamed:
                raise TypeError("a generator cannot be one of the results of a batch")
        except Exception as error:
            self._journal.failure(error, "one result of a batch cannot be sent", call.request_id)
            return internal_error()
        self._aftermath.plan(call, result, afterwards)
        return reply

    def _failed(self, calls: List[Call], error: BaseException) -> Answers:
        self._journal.failure(error, f"the handler failed on a batch of {len(calls)}")
        return [(call, internal_error()) for call in calls]

    def _finish(self, answers: Answers) -> None:
        self._is_running = False
        for call, reply in answers:
            call.settle(reply)
        if not self._waiting:
            return
        due_in = self._due_in(self._waiting[0])
        if len(self._waiting) >= self._max_size or due_in <= 0:
            self._launch()
        else:
            self._timer = self._loop.call_later(due_in, self._launch)

    def _due_in(self, oldest: Call) -> float:
        """Seconds until a batch has to start for `oldest`; negative when it is late."""
        return oldest.arrived + self._interval - self._loop.time()
