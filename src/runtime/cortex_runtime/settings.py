"""What a replica is told, in a file or in an environment variable (see `launch.py`), read once into typed values."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from .failures import StartFailure


@dataclass(frozen=True)
class Address:
    """Where one process listens: a unix socket at `path`, or TCP `port` of `host`."""

    path: Optional[str]
    host: str
    port: int


@dataclass(frozen=True)
class Batching:
    max_batch_size: int
    interval_seconds: float


@dataclass(frozen=True)
class Settings:
    """One replica. `listen` has an entry per process; `admin` too, or none (see `cortex_runtime.admin`)."""

    api: str
    revision: int
    replica: str
    project_dir: str
    handler_path: str
    config: Dict[str, Any]
    python_path: Optional[str]
    requirements: str
    threads: int
    batching: Optional[Batching]
    log_level: str
    listen: Tuple[Address, ...]
    admin: Tuple[Address, ...]
    control_fd: Optional[int]
    watch_stdin: bool
    memory_limit_bytes: Optional[int]
    max_body_bytes: Optional[int]
    #: Where kubelet looks for why a container ended.
    termination_log: Optional[str]

    @property
    def processes(self) -> int:
        return len(self.listen)


#: Of a pod: its name, which is the replica's.
_POD = "CORTEX_POD"


def read_settings(source: str) -> Settings:
    """Raises StartFailure when `source` is missing something; only another version of Cortex writes such a one."""
    try:
        if source.startswith("env:"):
            return settings_from({"replica": os.environ.get(_POD), **json.loads(os.environ[source[4:]])})
        with open(source, encoding="utf-8") as opened:
            return settings_from(json.load(opened))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StartFailure(f"{source} does not describe a replica: {type(error).__name__}: {error}") from error


def tidy_environment(source: str, settings: Settings) -> None:
    """Leaves the handler what it finds everywhere: `CORTEX_REPLICA` is the replica's name; a home that can be written."""
    if not source.startswith("env:"):
        return
    os.environ.pop(_POD, None)
    os.environ.pop(source[4:], None)
    os.environ["CORTEX_REPLICA"] = settings.replica
    if os.environ.get("HOME", "/") == "/":  # what a user without an entry in /etc/passwd gets
        os.environ["HOME"] = "/tmp"


def settings_from(values: Mapping[str, Any]) -> Settings:
    handler = values["handler"]
    batching = handler.get("server_side_batching")
    listen = tuple(_address(entry) for entry in values["listen"])
    processes = int(handler.get("processes_per_replica") or 1)
    if len(listen) != processes:
        raise ValueError(f"{processes} processes need as many addresses, got {len(listen)}")
    return Settings(
        api=values["api"],
        revision=int(values.get("revision") or 0),
        replica=str(values.get("replica") or ""),
        project_dir=values["project_dir"],
        handler_path=handler["path"],
        config=handler.get("config") or {},
        python_path=handler.get("python_path"),
        requirements=(handler.get("dependencies") or {}).get("pip") or "requirements.txt",
        threads=int(handler.get("threads_per_process") or 1),
        batching=batching and Batching(int(batching["max_batch_size"]), float(batching["batch_interval_ms"]) / 1000),
        log_level=handler.get("log_level") or "info",
        listen=listen,
        admin=tuple(_address(entry) for entry in values.get("admin") or ()),
        control_fd=values.get("control_fd"),
        watch_stdin=bool(values.get("watch_stdin")),
        memory_limit_bytes=values.get("memory_limit_bytes"),
        max_body_bytes=values.get("max_body_bytes"),
        termination_log=values.get("termination_log"),
    )


def _address(entry: Mapping[str, Any]) -> Address:
    if entry.get("path"):
        return Address(entry["path"], "", 0)
    return Address(None, entry.get("host") or "127.0.0.1", int(entry["port"]))


@dataclass(frozen=True)
class CommandLine:
    """`process` is None in the process that whoever runs the replica started."""

    source: str
    process: Optional[int]
    control_fd: Optional[int]


def read_command_line(arguments: Sequence[str]) -> CommandLine:
    options = dict(zip(arguments[1::2], map(int, arguments[2::2])))
    return CommandLine(arguments[0], options.get("--process"), options.get("--control-fd"))
