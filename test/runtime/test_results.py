"""What goes over the wire, by what a handler returns."""

from __future__ import annotations

import socket
import time
from typing import Callable

import pytest
from conftest import PATIENCE, Replica, Replicas

HANDLER = """
    import time
    from pathlib import Path
    from starlette.responses import JSONResponse, StreamingResponse

    class Unfit: pass

    def events():
        yield "one"
        yield {"two": 2}
        yield "three\\nlines"

    def numbers():
        for number in range(5):
            yield b"%d" % number

    async def async_events():
        yield "a"
        yield "b"

    def breaking():
        yield "fine"
        raise RuntimeError("broke in the middle")

    def failing_first():
        raise RuntimeError("broke at once")
        yield

    class Handler:
        def handle_post(self, payload):
            return {
                "bytes": lambda: b"\\x00\\x01",
                "str": lambda: "grüß",
                "dict": lambda: {"a": 1, "é": [1.5, None]},
                "number": lambda: 1,
                "none": lambda: None,
                "response": lambda: JSONResponse({"teapot": True}, 418, {"x-own": "1"}),
                "streaming response": lambda: StreamingResponse(iter(["a", "b"]), media_type="text/csv"),
                "unfit": lambda: Unfit(),
                "raise": lambda: 1 / 0,
                "exit": lambda: exit(3),
                "callable": lambda: ("answer", lambda: Path("after.txt").write_text("done")),
                "failing callable": lambda: ("answer", lambda: 1 / 0),
                "pair": lambda: ("not", "callable"),
                "events": events,
                "numbers": numbers,
                "async events": async_events,
                "breaking": breaking,
                "failing first": failing_first,
                "empty": lambda: iter(()) and (x for x in ()),
            }[payload]()
"""


@pytest.fixture(scope="module")
def replica(shared_replicas: Replicas) -> Replica:
    return shared_replicas.serve(HANDLER)


@pytest.mark.parametrize(
    ("kind", "content_type", "body"),
    [
        ("bytes", "application/octet-stream", b"\x00\x01"),
        ("str", "text/plain; charset=utf-8", "grüß".encode()),
        ("dict", "application/json", b'{"a": 1, "\\u00e9": [1.5, null]}'),
        ("number", "application/json", b"1"),
        ("none", "application/json", b"null"),
        ("pair", "application/json", b'["not", "callable"]'),
        (
            "events",
            "text/event-stream; charset=utf-8",
            b'data: one\n\ndata: {"two": 2}\n\ndata: three\ndata: lines\n\n',
        ),
        ("async events", "text/event-stream; charset=utf-8", b"data: a\n\ndata: b\n\n"),
        ("numbers", "application/octet-stream", b"01234"),
        ("empty", "text/event-stream; charset=utf-8", b""),
        ("streaming response", "text/csv; charset=utf-8", b"ab"),
    ],
)
def test_the_type_of_the_result_decides_the_content_type(
    replica: Replica, kind: str, content_type: str, body: bytes
) -> None:
    answer = replica.post(kind)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, content_type, body)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_response_of_starlette_goes_out_as_it_is(replica: Replica) -> None:
    answer = replica.post("response")
    assert (answer.status, answer.json, answer.headers["x-own"]) == (418, {"teapot": True}, "1")
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("kind", "logged"),
    [
        ("raise", "ZeroDivisionError: division by zero"),
        ("exit", "SystemExit: 3"),
        ("unfit", "return what json.dumps takes"),
        ("failing first", "broke at once"),
    ],
)
def test_a_failure_is_500_and_its_traceback_in_the_log_alone(replica: Replica, kind: str, logged: str) -> None:
    answer = replica.post(kind, x_request_id=f"id-of-{kind.replace(' ', '-')}")
    assert (answer.status, answer.text) == (500, "internal server error")
    assert logged in replica.stderr
    assert f"(request id-of-{kind.replace(' ', '-')})" in replica.stderr


def test_logged_tracebacks_hold_the_users_frames_alone(replica: Replica) -> None:
    replica.post("raise")
    assert 'File "handler.py", line' in replica.stderr
    assert "cortex_runtime" not in replica.stderr


def test_a_returned_callable_runs_after_the_answer(replica: Replica) -> None:
    assert replica.post("callable").text == "answer"
    wait_for(lambda: (replica.project / "after.txt").exists())


def test_a_returned_callable_that_fails_is_logged(replica: Replica) -> None:
    assert replica.post("failing callable").text == "answer"
    wait_for(lambda: "what runs after the answer failed" in replica.stderr)


def test_a_stream_that_breaks_ends_with_an_error_event_and_is_cut(replica: Replica) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(replica.sockets[0])
        client.sendall(
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n\"breaking\""
        )
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert b"data: fine\n\n" in received
    assert b"event: error\ndata: internal server error\n\n" in received
    assert not received.endswith(b"0\r\n\r\n"), "a stream that broke must not end as a whole one does"
    assert "broke in the middle" in replica.stderr


def test_the_generators_finally_runs_when_the_client_hangs_up(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import time
        from pathlib import Path
        class Handler:
            def handle_post(self):
                try:
                    while True:
                        yield "x" * 1000
                        time.sleep(0.001)
                finally:
                    Path("closed").touch()
        """
    )
    connection = replica.connect()
    connection.request("POST", "/")
    connection.getresponse().read(10)
    connection.close()
    wait_for(lambda: (replica.project / "closed").exists())
    assert replica.request("POST", "/healthz", headers={"x-cortex-probe": "1"}).status == 200


def test_a_slow_client_holds_a_generator_back(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        from pathlib import Path
        class Handler:
            def handle_post(self):
                for number in range(10_000):
                    Path("made").write_text(str(number))
                    yield b"x" * 100_000
        """
    )
    connection = replica.connect()
    connection.request("POST", "/")
    response = connection.getresponse()
    response.read(1000)
    made = replica.project / "made"
    before, now = -1, int(made.read_text() or 0)
    deadline = time.monotonic() + PATIENCE
    while now != before and time.monotonic() < deadline:  # until it stands still
        time.sleep(0.3)
        before, now = now, int(made.read_text() or 0)
    connection.close()
    assert now < 200


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
