"""Handlers that run in the event loop's own thread: one thread per process, and nothing async."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict

import pytest
from conftest import Replica, Replicas
from test_results import wait_for

#: A module that Python imports first hides uvloop, so that the standard library's loop serves.
HIDING = {"../first/sitecustomize.py": "import sys\nsys.modules['uvloop'] = None"}
LOOPS: Dict[str, Dict[str, str]] = {"uvloop": {}, "asyncio": HIDING}
BATCHING: Dict[str, Any] = {"server_side_batching": {"max_batch_size": 4, "batch_interval_ms": 1}}


def serve_on(loop: str, replicas: Replicas, source: str, **settings: Any) -> Replica:
    replica = replicas.make(source, LOOPS[loop], **settings)
    return replica.start({"PYTHONPATH": str(replica.folder / "first")}).until_ready()


on_both_loops = pytest.mark.parametrize("loop", LOOPS)


@on_both_loops
def test_a_handler_may_run_loops_of_its_own(loop: str, replicas: Replicas) -> None:
    replica = serve_on(
        loop,
        replicas,
        """
        import asyncio
        async def double(value):
            await asyncio.sleep(0.001)
            return asyncio.current_task() is not None and value * 2
        def is_running():
            try: asyncio.get_running_loop()
            except RuntimeError: return False
            return True
        class Handler:
            def __init__(self): self.at_start = asyncio.run(double(1))
            def handle_post(self, payload):
                own = asyncio.new_event_loop()
                again = own.run_until_complete(double(payload))
                own.close()
                return [is_running(), self.at_start, asyncio.run(double(payload)), again]
            def handle_get(self):
                for value in (1, 2): yield str([is_running(), asyncio.run(double(value))])
        """,
    )
    for _ in range(2):
        assert replica.post(4).json == [False, 2, 8, 8]
    assert replica.request("GET").body == b"data: [False, 2]\n\ndata: [False, 4]\n\n"
    assert replica.stop() == 0


def test_a_loop_of_the_handlers_own_does_not_take_the_signals_away(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import asyncio, uvloop
        async def nothing(): pass
        class Handler:
            def handle_post(self):
                loop = uvloop.new_event_loop()
                loop.run_until_complete(nothing())
                loop.close()
        """
    )
    assert replica.post(1).json is None
    assert replica.stop() == 0


def test_everything_of_a_handler_runs_in_the_one_thread_that_made_it(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import threading
        from decimal import Decimal, getcontext
        from pathlib import Path
        at_import = threading.get_ident()
        def note(name):
            Path(name).write_text(str(threading.get_ident()))
        class PythonPredictor:
            def __init__(self):
                self.at_start = threading.get_ident()
                getcontext().prec = 5  # kept in a context variable
            def predict(self, payload):
                if payload == "items": return self.items()
                threads = [at_import, self.at_start, threading.get_ident()]
                return [*threads, str(Decimal(1) / 3)], lambda: note("returned")
            def items(self):
                yield str(threading.get_ident())
            def post_predict(self):
                note("after")
        """
    )
    *threads, third = replica.post(1).json
    assert third == "0.33333"
    threads.append(int(replica.post("items").text.split()[1]))
    for name in ("returned", "after"):
        file = replica.project / name
        wait_for(lambda: file.exists() and file.read_text() != "")
        threads.append(int(file.read_text()))
    assert len(set(threads)) == 1


@on_both_loops
def test_each_item_leaves_before_the_next_is_made(loop: str, replicas: Replicas) -> None:
    replica = serve_on(
        loop,
        replicas,
        """
        import time
        from pathlib import Path
        class Handler:
            def handle_post(self):
                for number in range(3):
                    yield str(number)
                    while not Path(f"seen-{number}").exists(): time.sleep(0.001)
        """,
    )
    connection = replica.connect()
    connection.request("POST", "/")
    response = connection.getresponse()
    for number in range(3):
        assert response.read(len("data: 0\n\n")) == f"data: {number}\n\n".encode()
        (replica.project / f"seen-{number}").touch()
    assert response.read() == b""
    connection.close()


def test_requests_wait_for_a_generator_as_they_would_for_its_thread(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        from pathlib import Path
        class Handler:
            def handle_post(self):
                self.is_streaming = True
                for _ in range(200): yield "x" * 1000
                self.is_streaming = False
            def handle_get(self): return getattr(self, "is_streaming", None)
        """
    )
    with ThreadPoolExecutor(2) as pool:
        stream = pool.submit(replica.request, "POST")
        during = [replica.request("GET").json for _ in range(5)]
        assert stream.result().text.count("data: ") == 200
    assert True not in during


SLOW_AFTER = """
    import time
    from pathlib import Path
    def follow():
        while not Path("answered").exists(): time.sleep(0.001)
        Path("followed").touch()
"""


@on_both_loops
@pytest.mark.parametrize("batching", [{}, BATCHING], ids=["alone", "batched"])
def test_what_runs_after_the_answer_lets_it_leave_first(
    loop: str, batching: Dict[str, Any], replicas: Replicas
) -> None:
    returned = "[('answer', follow) for _ in payload]" if batching else "('answer', follow)"
    source = SLOW_AFTER + f"    class Handler:\n        def handle_post(self, payload): return {returned}\n"
    replica = serve_on(loop, replicas, source, handler=batching)
    assert replica.post(1).text == "answer"
    assert not (replica.project / "followed").exists()
    (replica.project / "answered").touch()
    assert replica.stop() == 0
    assert (replica.project / "followed").exists()


@on_both_loops
def test_waiting_requests_get_their_answers_one_by_one(loop: str, replicas: Replicas) -> None:
    replica = serve_on(
        loop,
        replicas,
        """
        import time
        from pathlib import Path
        class Handler:
            def handle_post(self, payload):
                Path(f"began-{payload}").touch()
                while not Path(f"go-{payload}").exists(): time.sleep(0.001)
                return payload
        """,
    )
    go = replica.project
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(replica.post, 1)
        wait_for(lambda: (go / "began-1").exists())
        others = {number: pool.submit(replica.post, number) for number in (2, 3)}
        (go / "go-1").touch()
        assert first.result().json == 1
        wait_for(lambda: any((go / f"began-{number}").exists() for number in others))
        second = next(number for number in others if (go / f"began-{number}").exists())
        (go / f"go-{second}").touch()
        assert others[second].result().json == second  # while the third still runs
        (go / f"go-{5 - second}").touch()
        assert others[5 - second].result().json == 5 - second


@pytest.mark.parametrize("raised", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_whatever_is_raised_is_500_and_the_replica_lives_on(raised: str, replicas: Replicas) -> None:
    replica = replicas.serve(
        f"""
        class Handler:
            def handle_post(self): raise {raised}
            def handle_put(self):
                yield "one"
                raise {raised}
            def handle_get(self): return "fine"
        """
    )
    assert replica.post(1).status == 500
    with pytest.raises(Exception, match="IncompleteRead|incomplete"):
        replica.request("PUT")
    assert replica.request("GET").text == "fine"
    assert raised.split("(")[0] in replica.stderr


def test_requests_that_wait_count_as_in_flight(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        from pathlib import Path
        import time
        class Handler:
            def handle_post(self):
                yield "began"
                while not Path("go").exists():
                    time.sleep(0.001)
                    yield "on"
        """
    )
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(replica.post, number) for number in (1, 2)]
        wait_for(lambda: in_flight(replica) == 2)
        (replica.project / "go").touch()
        assert [answer.result().status for answer in both] == [200, 200]
    wait_for(lambda: in_flight(replica) == 0)


def in_flight(replica: Replica) -> int:
    lines = replica.request("GET", "/metrics", headers={"x-cortex-probe": "1"}).text.splitlines()
    return int(float(next(line for line in lines if line.startswith("cortex_in_flight")).split()[-1]))


def test_beside_an_async_method_plain_ones_have_a_thread(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import threading
        class Handler:
            def __init__(self): self.made_in = threading.get_ident()
            def handle_post(self): return [self.made_in == threading.get_ident(), threading.main_thread().ident]
            async def handle_get(self): return threading.get_ident()
        """
    )
    is_same, main = replica.post(1).json
    assert is_same and replica.request("GET").json == main


def test_what_came_while_a_batch_ran_does_not_wait_for_the_interval_again(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        from pathlib import Path
        import time
        class Handler:
            def handle_post(self, payload):
                Path("began").touch()
                while not Path("go").exists(): time.sleep(0.001)
                return payload
        """,
        handler={"server_side_batching": {"max_batch_size": 2, "batch_interval_ms": 1_500}},
    )
    with ThreadPoolExecutor(3) as pool, contextlib.closing(replica.connect()) as late:
        late.request("GET", "/")  # open already when the batch begins
        late.getresponse().read()
        first = [pool.submit(replica.post, number) for number in (1, 2)]
        wait_for(lambda: (replica.project / "began").exists())
        late.request("POST", "/", b"3", {"content-type": "application/json"})
        time.sleep(1.6)
        (replica.project / "go").touch()
        since = time.monotonic()
        assert late.getresponse().read() == b"3"
        assert time.monotonic() - since < 1.2
        assert [answer.result().json for answer in first] == [1, 2]
