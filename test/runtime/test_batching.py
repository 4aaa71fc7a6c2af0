"""Server-side batching."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict

from conftest import Replica, Replicas

BATCHING: Dict[str, Any] = {"server_side_batching": {"max_batch_size": 4, "batch_interval_ms": 200}}
HANDLER = """
    class Handler:
        def handle_post(self, payload, query_params):
            if payload[0] == "raise": raise RuntimeError("the whole batch")
            if payload[0] == "short": return payload[1:]
            if payload[0] == "tuple": return tuple(payload)
            return [{"value": value, "size": len(payload), "q": q.get("q")} for value, q in zip(payload, query_params)]

        def handle_put(self, payload):
            return {"alone": payload}
"""


def together(replica: Replica, values: "list[Any]") -> "list[Any]":
    with ThreadPoolExecutor(len(values)) as pool:
        return list(pool.map(replica.post, values))


def test_a_full_batch_runs_at_once_and_everyone_gets_his_own(replicas: Replicas) -> None:
    replica = replicas.serve(HANDLER, handler=BATCHING)
    started = time.monotonic()
    answers = [answer.json for answer in together(replica, [1, 2, 3, 4])]
    assert [answer["value"] for answer in answers] == [1, 2, 3, 4]
    assert [answer["size"] for answer in answers] == [4] * 4
    assert time.monotonic() - started < 10


def test_a_batch_that_does_not_fill_runs_after_the_interval(replicas: Replicas) -> None:
    replica = replicas.serve(HANDLER, handler=BATCHING)
    started = time.monotonic()
    assert replica.post("alone", "/?q=1").json == {"value": "alone", "size": 1, "q": "1"}
    assert time.monotonic() - started >= 0.2


def test_never_more_than_the_maximum_in_one_batch(replicas: Replicas) -> None:
    replica = replicas.serve(HANDLER, handler=BATCHING)
    answers = [answer.json for answer in together(replica, list(range(10)))]
    assert sorted(answer["value"] for answer in answers) == list(range(10))
    assert max(answer["size"] for answer in answers) <= 4


def test_other_methods_are_not_batched(replicas: Replicas) -> None:
    replica = replicas.serve(HANDLER, handler=BATCHING)
    assert replica.request("PUT", "/", b"1", {"content-type": "application/json"}).json == {"alone": 1}


def test_a_failing_batch_is_500_for_all_of_it(replicas: Replicas) -> None:
    replica = replicas.serve(HANDLER, handler=BATCHING)
    assert [answer.status for answer in together(replica, ["raise"] * 4)] == [500] * 4
    assert "the whole batch" in replica.stderr
    assert replica.post("again").status == 200


def test_a_result_that_is_no_list_of_that_length_is_500(replicas: Replicas) -> None:
    replica = replicas.serve(HANDLER, handler=BATCHING)
    assert replica.post("short").status == 500
    assert "got 1 requests in a batch and returned 0 results" in replica.stderr
    assert replica.post("tuple").text == "internal server error"
    assert "must return a list, not tuple" in replica.stderr


def test_each_result_may_have_its_own_type_and_may_fail_alone(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        class PythonPredictor:
            def predict(self, payload):
                return [ValueError("bad one") if value == "bad" else value for value in payload]
        """,
        handler=BATCHING,
    )
    bad, text, number = together(replica, ["bad", "text", 3])
    assert (bad.status, text.text, number.json) == (500, "text", 3)


def test_async_methods_are_batched_too(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        class Handler:
            async def handle_post(self, payload): return [len(payload)] * len(payload)
        """,
        handler=BATCHING,
    )
    assert [answer.json for answer in together(replica, [1, 2, 3, 4])] == [4] * 4


def test_batching_without_a_method_to_batch_is_refused(replicas: Replicas) -> None:
    replica = replicas.make("class Handler:\n  def handle_get(self): return 1", handler=BATCHING).start()
    assert replica.failure()["error"] == "server_side_batching is on, but the handler has no handle_post"
