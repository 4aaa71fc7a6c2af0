"""Replicas on other Pythons, with nothing but the wheels that come along, and with a user's own pins."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest
from conftest import ROOT, RUNTIME, Replicas, multipart

from cortex_runtime.failures import StartFailure
from cortex_runtime.versions import check_version

WHEELS = ROOT / "dist" / "wheels"
VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
HANDLER = """
    import sys
    class Handler:
        def handle_post(self, payload):
            import starlette.datastructures
            if isinstance(payload, starlette.datastructures.FormData):
                return payload["file"].file.read()
            return [payload, "%d.%d" % sys.version_info[:2]]
        def handle_put(self):
            yield "one"
"""


def python_of(version: str) -> Optional[str]:
    """Returns a Python of this version: on PATH, or one that pyenv keeps."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for command in [shutil.which(f"python{version}"), *map(str, kept)]:
        if command and subprocess.run([command, "-c", ""], stderr=subprocess.DEVNULL).returncode == 0:
            return command
    return None


def wheels_for(version: str, with_accelerators: bool) -> List[Path]:
    """As the lock says; those that were not fetched (accelerators may be) are left out."""
    number = tuple(map(int, version.split(".")))
    chosen = []

    def number_of(bound: Optional[str], otherwise: str) -> "tuple[int, ...]":
        return tuple(map(int, (bound or otherwise).split(".")))

    for wheel in json.loads((RUNTIME / "wheels.lock").read_text())["wheels"]:
        low, high = number_of(wheel["minPython"], "3.0"), number_of(wheel["maxPython"], "3.99")
        fits = low <= number <= high and wheel["name"] != "pip"
        if fits and (wheel["platform"] is None or (with_accelerators and wheel["platform"] == "linux-x64")):
            chosen.append(WHEELS / wheel["file"])
    return [file for file in chosen if file.exists()]


@pytest.fixture(params=VERSIONS)
def old_and_new(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["tuple[str, str, Path]"]:
    """A version, a Python of it without packages, and a folder with the wheels unpacked."""
    python = python_of(request.param)
    if python is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    if not WHEELS.exists():
        pytest.skip("dist/wheels is not there: node scripts/fetch-wheels.mjs")
    subprocess.run([python, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    yield request.param, str(tmp_path / "venv" / "bin" / "python"), tmp_path / "wheels"


@pytest.mark.parametrize("with_accelerators", [True, False], ids=["uvloop and httptools", "asyncio and h11"])
def test_a_bare_python_serves_with_the_wheels_alone(
    replicas: Replicas, old_and_new: "tuple[str, str, Path]", with_accelerators: bool
) -> None:
    version, python, folder = old_and_new
    for wheel in wheels_for(version, with_accelerators):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    replica = replicas.make(HANDLER, python=python, wheels_dir=str(folder)).start().until_ready()
    assert replica.post({"a": 1}).json == [{"a": 1}, version]
    body, content_type = multipart([("file", "name.txt", b"content")])
    assert replica.request("POST", "/", body, {"content-type": content_type}).body == b"content"
    assert replica.request("PUT").body == b"data: one\n\n"
    assert replica.request("GET").status == 405
    assert replica.stop() == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_failures_read_the_same_on_every_python(replicas: Replicas, version: str, tmp_path: Path) -> None:
    python = python_of(version)
    if python is None or not WHEELS.exists():
        pytest.skip(f"there is no Python {version} on this machine, or no dist/wheels")
    for wheel in wheels_for(version, False):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path)
    source = "class Handler:\n    def __init__(self):\n        raise ValueError('no')\n    def handle_post(self): pass\n"
    replica = replicas.make(source, python=python, wheels_dir=str(tmp_path)).start()
    event = replica.failure()
    assert event["error"] == "ValueError: no (handler.py:3)"
    shown = "\n".join(line for line in event["traceback"].splitlines() if set(line.strip()) - set("~^"))
    assert shown == (
        "Traceback (most recent call last):\n"
        '  File "handler.py", line 3, in __init__\n'
        "    raise ValueError('no')\n"
        "ValueError: no"
    )


def test_a_user_s_own_version_wins(replicas: Replicas) -> None:
    replica = replicas.make(
        "import starlette\nclass Handler:\n  def handle_post(self): return starlette.__file__",
        {"../wheels/starlette/__init__.py": "__version__ = '1.0'"},
    )
    replica._settings["wheels_dir"] = str(replica.folder / "wheels")
    assert replica.start().until_ready().post(1).text.startswith(sys.prefix)


@pytest.mark.parametrize(
    ("name", "pinned", "hint"),
    [
        ("uvicorn", "0.11.8", "require uvicorn>=0.20,<1, or drop the pin: the runtime brings its own uvicorn"),
        ("starlette", "0.13.6", "require starlette>=0.27,<2, or drop the pin: the runtime brings its own starlette"),
    ],
)
def test_a_pin_outside_the_tested_range_is_refused_with_the_range(name: str, pinned: str, hint: str) -> None:
    with pytest.raises(StartFailure) as raised:
        check_version(name, pinned)
    assert raised.value.error.startswith(f"{name} {pinned} is installed")
    assert raised.value.hint == hint


def test_a_server_that_cannot_be_imported_at_all_is_a_failure_too(replicas: Replicas) -> None:
    replica = replicas.make("class Handler: pass", {"../site/uvicorn/__init__.py": "this is no Python"})
    event = replica.start({"PYTHONPATH": str(replica.folder / "site")}).failure()
    assert event["error"].startswith("the runtime failed: SyntaxError: invalid syntax")
    assert "uvicorn/__init__.py" in event["traceback"]


def test_a_helper_that_is_too_old_for_the_server_is_named(replicas: Replicas) -> None:
    replica = replicas.make(
        "class Handler: pass", {"../site/uvicorn/__init__.py": "from typing_extensions import NotThere"}
    )
    settings: Dict[str, Any] = replica._settings
    settings["site_packages"] = [str(replica.folder / "site")]
    # The environment's own uvicorn comes first, so hide it.
    replica.start({"PYTHONPATH": str(replica.folder / "site")})
    event = replica.failure()
    assert event["error"].startswith("uvicorn cannot be imported: cannot import name 'NotThere'")
    assert "typing_extensions>=4" in event["hint"]
