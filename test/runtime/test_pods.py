"""What the runtime does otherwise in a pod: settings from the environment, an admin port, last words for kubelet."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from conftest import Replica, Replicas


def free_ports(count: int) -> List[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def ask(port: int, path: str) -> Tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def in_pod(replicas: Replicas, source: str, **settings: Any) -> Replica:
    replica = replicas.make(source, **settings)
    replica.is_pod = True
    return replica


def test_settings_come_from_the_environment_and_the_handler_finds_its_own(replicas: Replicas) -> None:
    source = """
        import os
        class Handler:
            def handle_get(self):
                return {name: os.environ.get(name) for name in ("CORTEX_REPLICA", "CORTEX_POD", "HOME", "LEVEL")}
    """
    replica = in_pod(replicas, source, replica=None)
    replica._settings.pop("replica")
    replica.start({"CORTEX_POD": "iris-7d-x1", "HOME": "/", "LEVEL": "3"}).until_ready()
    expected = {"CORTEX_REPLICA": "iris-7d-x1", "CORTEX_POD": None, "HOME": "/tmp", "LEVEL": "3"}
    assert replica.request("GET").json == expected
    assert 'replica="iris-7d-x1"' in replica.request("GET", "/metrics", headers={"x-cortex-probe": "1"}).text


def test_several_processes_read_the_environment_too(replicas: Replicas) -> None:
    ports = free_ports(2)
    source = """
        import os
        class Handler:
            def handle_get(self):
                return os.environ["CORTEX_REPLICA"]
    """
    admin = [{"port": port} for port in ports]
    replica = in_pod(replicas, source, handler={"processes_per_replica": 2}, admin=admin)
    replica.start().until_ready()
    assert [replica.request("GET", process=number).text for number in (0, 1)] == ["r1", "r1"]
    assert ask(ports[0], "/healthz") == (200, "ok")
    assert 'process="1"' in ask(ports[1], "/metrics")[1]
    assert replica.stop() == 0


def test_the_admin_port_answers_while_a_handler_holds_the_loop(replicas: Replicas) -> None:
    (port,) = free_ports(1)
    source = "import time\nclass Handler:\n  def handle_post(self, payload): time.sleep(payload); return 'slept'"
    replica = replicas.serve(source, admin=[{"port": port}])
    answers: List[str] = []
    busy = threading.Thread(target=lambda: answers.append(replica.post(1.5).text))
    busy.start()
    time.sleep(0.2)
    started = time.monotonic()
    assert ask(port, "/healthz") == (200, "ok")
    status, text = ask(port, "/metrics")
    assert status == 200
    assert "cortex_in_flight_requests" in text
    assert time.monotonic() - started < 1.0
    busy.join()
    assert answers == ["slept"]
    assert ask(port, "/other")[0] == 404


def test_the_admin_port_refuses_until_the_handler_has_loaded(replicas: Replicas) -> None:
    (port,) = free_ports(1)
    source = "import time\nclass Handler:\n  def __init__(self): time.sleep(1)\n  def handle_get(self): return 1"
    replica = replicas.make(source, admin=[{"port": port}]).start()
    loading = replica.next_event()
    assert loading is not None
    assert loading["event"] == "loading"
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/healthz")
    replica.until_ready()
    assert ask(port, "/healthz") == (200, "ok")


def test_the_first_process_is_well_only_when_all_are(replicas: Replicas) -> None:
    ports = free_ports(2)
    source = """
        import os, time
        class Handler:
            def __init__(self):
                mark = os.path.join(os.path.dirname(__file__), "first")
                try:
                    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    time.sleep(1)
            def handle_get(self): return 1
    """
    admin = [{"port": port} for port in ports]
    replica = replicas.make(source, handler={"processes_per_replica": 2}, admin=admin).start()
    seen = set()
    deadline = time.monotonic() + 30
    while 200 not in seen and time.monotonic() < deadline:
        try:
            seen.add(ask(ports[0], "/healthz")[0])
        except OSError:
            time.sleep(0.02)
    assert 200 in seen
    replica.request("GET", process=0)
    replica.request("GET", process=1)


@pytest.mark.parametrize("processes", [1, 2])
def test_why_it_could_not_start_is_left_for_kubelet(replicas: Replicas, tmp_path: Path, processes: int) -> None:
    log = tmp_path / "termination-log"
    source = "class Handler:\n  def __init__(self): raise ValueError('no model ' + 'é' * 4000)\n  def handle_get(self): 1"
    replica = replicas.make(source, handler={"processes_per_replica": processes}, termination_log=str(log)).start()
    assert replica.exit_status() == 1
    words = log.read_bytes()
    assert 4000 < len(words) <= 4096
    assert words.decode().startswith("é")


def test_last_words_that_cannot_be_written_change_nothing(replicas: Replicas) -> None:
    replica = replicas.make("x = 1", termination_log="/no/such/folder/log").start()
    assert replica.exit_status() == 1
    assert "no class named Handler" in replica.stderr
