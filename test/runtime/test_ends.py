"""How replicas end: drained, with their agent, with one of their processes."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Replicas
from test_results import wait_for

SLOW = """
    import time
    from pathlib import Path
    class Handler:
        def handle_post(self, payload):
            Path(f"started-{payload}").touch()
            time.sleep(0.5)
            return payload, lambda: (time.sleep(0.3), Path(f"after-{payload}").touch())
"""


def test_sigterm_lets_requests_and_what_follows_them_finish(replicas: Replicas) -> None:
    replica = replicas.serve(SLOW)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(replica.post, number) for number in (1, 2)]  # one runs, one waits for the thread
        wait_for(lambda: any(replica.project.glob("started-*")))
        replica.process.send_signal(signal.SIGTERM)
        assert sorted(answer.result().json for answer in answers) == [1, 2]
    assert replica.exit_status() == 0
    assert sorted(file.name for file in replica.project.glob("after-*")) == ["after-1", "after-2"]


def test_sigterm_ends_an_idle_replica_soon(replicas: Replicas) -> None:
    replica = replicas.serve("class Handler:\n  def handle_post(self): return 1")
    kept = replica.connect()
    kept.request("POST", "/")
    kept.getresponse().read()
    started = time.monotonic()
    assert replica.stop() == 0
    assert time.monotonic() - started < 10
    kept.close()


def test_threads_of_the_handler_do_not_hold_up_the_exit(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import threading, time
        class Handler:
            def __init__(self): threading.Thread(target=time.sleep, args=(600,)).start()
            def handle_post(self): return 1
        """
    )
    assert replica.stop() == 0


HOLDS_THE_INTERPRETER = """
    import ctypes
    from pathlib import Path
    class Handler:
        def handle_post(self):
            Path("started").touch()
            ctypes.PyDLL(None).sleep(600)  # in C, with the interpreter lock held: no other thread runs
"""


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux can end a group from inside the kernel")
def test_the_end_of_the_agent_ends_a_replica_that_holds_the_interpreter(replicas: Replicas) -> None:
    replica = replicas.serve(HOLDS_THE_INTERPRETER)
    connection = replica.connect()
    connection.request("POST", "/")
    wait_for(lambda: (replica.project / "started").exists())
    replica.line.close()
    assert replica.exit_status() == -signal.SIGKILL
    connection.close()


def test_the_end_of_the_agent_ends_what_the_handler_started(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import subprocess
        class Handler:
            def __init__(self): self.child = subprocess.Popen(["sleep", "600"])
            def handle_post(self): return self.child.pid
        """
    )
    child = replica.post(1).json
    replica.line.close()
    assert replica.exit_status() == -signal.SIGKILL
    wait_for(lambda: is_gone(child))


def test_an_agent_that_is_gone_already_ends_it_too(replicas: Replicas) -> None:
    replica = replicas.make("import time\ntime.sleep(600)").start()
    replica.line.close()
    assert replica.exit_status() == -signal.SIGKILL


TWO = {"handler": {"processes_per_replica": 2}}
PID = """
    import os, threading
    class Handler:
        def handle_post(self): return os.getpid()
        def handle_delete(self): os._exit(7)
"""


def test_each_process_listens_on_its_own_address_and_loads_for_itself(replicas: Replicas) -> None:
    replica = replicas.serve(PID, **TWO)
    assert replica.request("POST", process=0).json != replica.request("POST", process=1).json
    assert [event["event"] for event in replica.events] == ["loading", "ready"]


def test_sigterm_drains_all_processes(replicas: Replicas) -> None:
    replica = replicas.serve(SLOW, **TWO)
    with ThreadPoolExecutor(2) as pool:
        json_type = {"content-type": "application/json"}
        answers = [pool.submit(replica.request, "POST", "/", b"%d" % n, json_type, n) for n in (0, 1)]
        wait_for(lambda: len(list(replica.project.glob("started-*"))) == 2)
        assert replica.stop() == 0
        assert [answer.result().json for answer in answers] == [0, 1]


def test_one_process_that_ends_ends_them_all_with_its_status(replicas: Replicas) -> None:
    replica = replicas.serve(PID, **TWO)
    other = replica.request("POST", process=0).json
    with pytest.raises(OSError):
        replica.request("DELETE", process=1)
    assert replica.failure()["error"] == "process 2 of 2 ended with status 7"
    assert replica.process.returncode == 7
    assert is_gone(other)


def test_a_process_that_cannot_load_gives_the_reason_of_the_replica(replicas: Replicas) -> None:
    replica = replicas.make("raise RuntimeError('no weights')", **TWO).start()
    event = replica.failure()
    assert (event["error"], replica.process.returncode) == ("RuntimeError: no weights (handler.py:1)", 1)


def test_the_end_of_the_agent_ends_all_processes(replicas: Replicas) -> None:
    replica = replicas.serve(PID, **TWO)
    pids = [replica.request("POST", process=process).json for process in (0, 1)]
    replica.line.close()
    replica.exit_status()
    wait_for(lambda: all(map(is_gone, pids)))


def test_a_supervisor_that_is_killed_takes_its_processes_along(replicas: Replicas) -> None:
    replica = replicas.serve(PID, **TWO)
    pids = [replica.request("POST", process=process).json for process in (0, 1)]
    os.kill(replica.process.pid, signal.SIGKILL)
    wait_for(lambda: all(map(is_gone, pids)))


def test_a_client_that_hangs_up_while_waiting_is_not_served(replicas: Replicas) -> None:
    replica = replicas.serve(SLOW)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(replica.post, 1)
        wait_for(lambda: (replica.project / "started-1").exists())
        waiting = replica.connect()
        waiting.request("POST", "/", b"2", {"content-type": "application/json"})
        waiting.close()
        first.result()
    assert replica.post(3).json == 3
    assert not (replica.project / "started-2").exists()


def is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().split()[2] == "Z"
    except FileNotFoundError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


