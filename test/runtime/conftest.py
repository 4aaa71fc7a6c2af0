"""Real replicas for tests: `launch.py` in a process of its own, spoken to over a unix socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "src" / "runtime"
sys.path.insert(0, str(RUNTIME))

#: Seconds. Generous: a machine that runs all tests at once is slow.
PATIENCE = 30.0


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("replica", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Replica:
    """`folder` holds project, settings and sockets. Not started until `start`."""

    def __init__(self, folder: Path, files: Dict[str, str], python: str, **settings: Any) -> None:
        self.folder = folder
        self.project = folder / "project"
        for name, text in files.items():
            file = self.project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        self._python = python
        handler = {"type": "python", "path": "handler.py", "config": {}, "processes_per_replica": 1}
        handler.update(settings.pop("handler", {}))
        self.sockets = [str(folder / f"{index}.sock") for index in range(handler["processes_per_replica"])]
        self._settings = {
            "api": "iris",
            "kind": "RealtimeAPI",
            "revision": 3,
            "replica": "r1",
            "project_dir": str(self.project),
            "handler": handler,
            "listen": [{"path": path} for path in self.sockets],
            "memory_limit_bytes": None,
            "site_packages": [],
            "wheels_dir": None,
            **settings,
        }
        #: Told what to run by its environment, as in a pod.
        self.is_pod = False
        self.events: List[Dict[str, Any]] = []
        self._buffer = b""

    def start(self, env: Optional[Dict[str, str]] = None) -> "Replica":
        """Starts as the agent does: leader of its own process group, one end of a socket pair as its life line."""
        self.line, theirs = socket.socketpair()
        self.line.settimeout(PATIENCE)
        with theirs:
            settings = json.dumps({"control_fd": theirs.fileno(), **self._settings})
            file = self.folder / "replica.json"
            if not self.is_pod:
                file.write_text(settings)
                file.chmod(0o600)
            self.out = open(self.folder / "stdout", "wb")
            self.err = open(self.folder / "stderr", "wb")
            inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            self.process = subprocess.Popen(
                [self._python, str(RUNTIME / "launch.py"), "env:CORTEX_REPLICA" if self.is_pod else str(file)],
                stdin=subprocess.DEVNULL,
                stdout=self.out,
                stderr=self.err,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={
                    **inherited,
                    "PYTHONPYCACHEPREFIX": str(ROOT / ".venv" / "pycache"),
                    **({"CORTEX_REPLICA": settings} if self.is_pod else {}),
                    **(env or {}),
                },
            )
        return self

    def next_event(self) -> Optional[Dict[str, Any]]:
        """Returns None at the end of the line."""
        while b"\n" not in self._buffer:
            received = self.line.recv(65536)
            if not received:
                return None
            self._buffer += received
        line, self._buffer = self._buffer.split(b"\n", 1)
        event: Dict[str, Any] = json.loads(line)
        self.events.append(event)
        return event

    def until_ready(self) -> "Replica":
        while True:
            event = self.next_event()
            assert event is not None and event["event"] in ("loading", "ready"), f"{event}\n{self.stderr}"
            if event["event"] == "ready":
                return self

    def failure(self) -> Dict[str, Any]:
        """Returns the event that says why the replica did not start, when its process has ended."""
        while True:
            event = self.next_event()
            assert event is not None, f"ended without a word\n{self.stderr}"
            if event["event"] == "failed":
                self.exit_status()
                return event

    def exit_status(self) -> int:
        return self.process.wait(PATIENCE)

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def connect(self, process: int = 0) -> UnixConnection:
        return UnixConnection(self.sockets[process])

    def request(
        self,
        method: str,
        path: str = "/",
        body: Optional[bytes] = None,
        headers: Optional[Dict[str, str]] = None,
        process: int = 0,
    ) -> Answer:
        with contextlib.closing(self.connect(process)) as connection:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())

    def post(self, value: Any, path: str = "/", **headers: str) -> Answer:
        sent = {"content-type": "application/json", **{key.replace("_", "-"): text for key, text in headers.items()}}
        return self.request("POST", path, json.dumps(value).encode(), sent)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.exit_status()

    def end(self) -> None:
        if not hasattr(self, "process"):
            return
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for opened in (self.line, self.out, self.err):
            opened.close()


class Replicas:
    """Makes replicas and ends them all when the test is over."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def make(
        self, source: str, files: Optional[Dict[str, str]] = None, python: str = sys.executable, **settings: Any
    ) -> Replica:
        # Not pytest's folder: the path of a unix socket must be short.
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cortex-", dir="/tmp")))
        replica = Replica(folder, {"handler.py": source, **(files or {})}, python, **settings)
        self._stack.callback(replica.end)
        return replica

    def serve(self, source: str, files: Optional[Dict[str, str]] = None, **settings: Any) -> Replica:
        return self.make(source, files, **settings).start().until_ready()

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def replicas() -> Iterator[Replicas]:
    made = Replicas()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_replicas() -> Iterator[Replicas]:
    made = Replicas()
    yield made
    made.close()


def multipart(fields: Sequence["tuple[str, Optional[str], bytes]"]) -> "tuple[bytes, str]":
    """Returns body and content type of a form of (name, file name, content)."""
    parts = []
    for name, filename, content in fields:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        parts.append(f"--edge\r\ncontent-disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
