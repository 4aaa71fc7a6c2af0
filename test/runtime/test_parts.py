"""The parts that need no process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import RUNTIME

from cortex_runtime.failures import StartFailure
from cortex_runtime.mappings import Headers, QueryParams
from cortex_runtime.metrics import MAX_SERIES, MetricsClient
from cortex_runtime.missing import import_hint
from cortex_runtime.payloads import FORM, JSON, RAW, TEXT, kind_of
from cortex_runtime.settings import read_settings, settings_from
from cortex_runtime.signatures import wanted_arguments
from cortex_runtime.streams import event


def test_headers_compare_without_regard_to_case_and_keep_all_values() -> None:
    headers = Headers([(b"accept", b"a"), (b"x-one", b"\xe9"), (b"accept", b"b")])
    assert headers["X-ONE"] == "é"
    assert headers["Accept"] == "a"
    assert headers.getlist("ACCEPT") == ["a", "b"]
    assert "Accept" in headers and "other" not in headers
    assert headers.get("other", "none") == "none"
    assert headers.items() == [("accept", "a"), ("x-one", "é"), ("accept", "b")]
    with pytest.raises(KeyError):
        headers["other"]


def test_query_parameters_give_the_last_value_and_keep_all() -> None:
    query = QueryParams(b"a=1&b=%C3%A9+x&a=2&empty=")
    assert dict(query) == {"a": "2", "b": "é x", "empty": ""}
    assert query.getlist("a") == ["1", "2"]
    assert query.multi_items() == [("a", "1"), ("b", "é x"), ("a", "2"), ("empty", "")]
    assert (query.get("none"), len(query), str(query)) == (None, 3, "a=1&b=%C3%A9+x&a=2&empty=")


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"application/json", (JSON, "")),
        (b"Application/JSON; charset=utf-8", (JSON, "")),
        (b"multipart/form-data; boundary=x", (FORM, "")),
        (b"application/x-www-form-urlencoded", (FORM, "")),
        (b"text/plain", (TEXT, "utf-8")),
        (b'text/plain; charset="latin-1"; format=flowed', (TEXT, "latin-1")),
        (b"text/html", (RAW, "")),
        (b"", (RAW, "")),
    ],
)
def test_the_content_type_says_how_to_read_a_body(content_type: bytes, kind: "tuple[int, str]") -> None:
    assert kind_of(content_type) == kind


@pytest.mark.parametrize(
    ("item", "sent"),
    [
        ("one", b"data: one\n\n"),
        ("two\r\nlines", b"data: two\ndata: lines\n\n"),
        ({"a": 1}, b'data: {"a": 1}\n\n'),
        (b"event: own\ndata: x\n\n", b"event: own\ndata: x\n\n"),
        ("\u2028", "data: \u2028\n\n".encode()),
    ],
)
def test_an_event_frames_an_item(item: Any, sent: bytes) -> None:
    assert event(item) == sent


class Signatures:
    def plain(self, payload: object) -> None: ...

    @staticmethod
    def static(payload: object) -> None: ...

    @classmethod
    def by_class(cls, payload: object) -> None: ...

    def open(self, *args: object, **kwargs: object) -> None: ...

    def unknown(self, payload: object, other: object = None) -> None: ...


@pytest.mark.parametrize("method", ["plain", "static", "by_class"])
def test_wanted_arguments_leave_out_self(method: str) -> None:
    assert wanted_arguments(Signatures, method, ["payload", "headers"]) == {"payload"}


def test_open_argument_lists_are_given_nothing() -> None:
    assert wanted_arguments(Signatures, "open", ["payload"]) == frozenset()


def test_an_unknown_argument_is_refused_even_with_a_default() -> None:
    with pytest.raises(StartFailure, match="argument 'other'"):
        wanted_arguments(Signatures, "unknown", ["payload"])


def test_metrics_of_a_handler_are_bounded_and_keep_off_our_names() -> None:
    client = MetricsClient({"api": "a"})
    for number in range(MAX_SERIES + 10):
        client.increment("calls", tags={"id": str(number)})
    assert client.text().count("calls{") == MAX_SERIES
    with pytest.raises(ValueError, match="must not begin"):
        client.gauge("cortex_calls", 1)
    with pytest.raises(ValueError, match="is a counter already"):
        client.gauge("calls", 1)


def test_metric_names_and_values_are_made_safe_for_prometheus() -> None:
    client = MetricsClient({})
    client.gauge("my.metric-é", 2, {"a b": 'quo"te\n'})
    assert client.text() == '# TYPE my_metric__ gauge\nmy_metric__{a_b="quo\\"te\\n"} 2.0\n'


def test_a_failed_import_behind_another_error_is_found() -> None:
    error = RuntimeError("outer")
    error.__cause__ = ModuleNotFoundError("No module named 'yaml'", name="yaml")
    assert str(import_hint(error, "deps.txt")).startswith("add pyyaml to deps.txt")
    assert import_hint(ValueError(), "deps.txt") is None


def test_settings_need_an_address_per_process() -> None:
    with pytest.raises(ValueError, match="2 processes need as many addresses, got 1"):
        settings_from(
            {
                "api": "a",
                "project_dir": "/",
                "handler": {"path": "h.py", "processes_per_replica": 2},
                "listen": [{"port": 1}],
            }
        )


def test_settings_that_cannot_be_read_are_a_start_failure() -> None:
    with pytest.raises(StartFailure, match="does not describe a replica"):
        read_settings("/nonexistent.json")


@pytest.mark.skipif("sys.platform == 'win32'", reason="asks for the peak as Unix keeps it")
def test_the_memory_watch_says_so_and_exits_137() -> None:
    program = (
        "import os, sys, time; from cortex_runtime.control import Control; "
        "from cortex_runtime.memory import peak_bytes, watch_memory; "
        "watch_memory(200 * 2**20, Control(1), peak_bytes); time.sleep(0.6); held = bytearray(b'x') * (300 * 2**20); "
        "time.sleep(60)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=RUNTIME, capture_output=True, text=True, timeout=60)
    assert run.returncode == 137
    assert '"event": "out_of_memory"' in run.stdout


def test_packages_named_in_the_settings_come_before_the_interpreters_own_and_after_its_library(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more.pth").write_text("more\n")
    program = "import json, sys; from launch import add_packages; add_packages(sys.argv[1]); print(json.dumps(sys.path))"
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=RUNTIME, capture_output=True, text=True, check=True
    )
    path = json.loads(run.stdout)
    at = path.index(str(tmp_path))
    assert path[at + 1] == str(tmp_path / "more")
    assert any(entry.endswith("site-packages") for entry in path[at + 2 :])
    assert any(entry.endswith("lib-dynload") for entry in path[:at])
