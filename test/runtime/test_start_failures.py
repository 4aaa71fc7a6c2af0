"""A replica that cannot start says why, in one line, with the user's own traceback and what to do."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from conftest import Replicas


def failed(replicas: Replicas, source: str, **settings: Any) -> Dict[str, Any]:
    replica = replicas.make(source, **settings).start()
    event = replica.failure()
    assert replica.process.returncode == 1
    assert event["error"] in replica.stderr
    assert "cortex_runtime" not in replica.stderr
    return event


def test_an_error_in_the_constructor(replicas: Replicas) -> None:
    event = failed(
        replicas,
        """
        class Handler:
            def __init__(self, config):
                self.load()
            def load(self):
                raise ValueError("no such model\\nsecond line")
            def handle_post(self): pass
        """,
    )
    assert event["error"] == "ValueError: no such model (handler.py:6)"
    assert event["traceback"].startswith(
        'Traceback (most recent call last):\n  File "handler.py", line 4, in __init__\n'
    )
    assert event["traceback"].rstrip().endswith("ValueError: no such model\nsecond line")


def test_a_cause_is_shown_with_the_error(replicas: Replicas) -> None:
    event = failed(
        replicas,
        """
        class Handler:
            def __init__(self):
                try:
                    {}["weights"]
                except KeyError as error:
                    raise RuntimeError("cannot load") from error
            def handle_post(self): pass
        """,
    )
    assert "KeyError: 'weights'" in event["traceback"]
    assert "direct cause" in event["traceback"]


def test_a_syntax_error_is_shown_as_python_shows_it(replicas: Replicas) -> None:
    event = failed(replicas, "class Handler:\n    def handle_post(self:\n        return 1\n")
    assert event["error"].startswith("SyntaxError: ")
    assert event["error"].endswith("(handler.py:2)")
    assert '  File "handler.py", line 2\n    def handle_post(self:\n' in event["traceback"]
    assert "^" in event["traceback"]


@pytest.mark.parametrize(
    ("module", "package"), [("sklearn_nowhere", "sklearn_nowhere"), ("cv2", "opencv-python-headless")]
)
def test_a_missing_package_comes_with_what_to_add(replicas: Replicas, module: str, package: str) -> None:
    event = failed(replicas, f"import {module}\nclass Handler: pass")
    assert event["error"] == f"ModuleNotFoundError: No module named '{module}' (handler.py:1)"
    assert event["hint"].startswith(f"add {package} to requirements.txt")


@pytest.mark.parametrize("module", ["cortex.lib.storage", "cortex_internal.lib.storage"])
def test_a_module_of_older_versions_is_not_looked_for_on_the_index(replicas: Replicas, module: str) -> None:
    event = failed(replicas, f"import {module}\nclass Handler: pass")
    assert "belonged to older versions of Cortex: remove the import" in event["hint"]


@pytest.mark.parametrize(
    ("source", "error", "hint"),
    [
        (
            "class Handler:\n  def handle_post(self, payloads): pass",
            "Handler.handle_post has an argument 'payloads', which the runtime does not know",
            "did you mean 'payload'? handle_post may take: payload, query_params, headers",
        ),
        (
            "class PythonPredictor:\n  def __init__(self, configuration): pass\n  def predict(self): pass",
            "PythonPredictor.__init__ has an argument 'configuration', which the runtime does not know",
            "did you mean 'config'?",
        ),
        (
            "class Handler:\n  def __init__(self, model_client): pass\n  def handle_post(self): pass",
            "Handler.__init__ wants 'model_client', which is given only with multi_model_reloading",
            "model_client=None",
        ),
        ("class Handler:\n  pass", "class Handler has no method that answers requests", "handle_post"),
        ("class Model:\n  pass", "handler.py has no class named Handler", "name your class Handler"),
        ("class ONNXPredictor:\n  pass", "handler.py has no class named Handler", "name ONNXPredictor PythonPredictor"),
        (
            "class Handler:\n  pass\nclass PythonPredictor:\n  pass",
            "handler.py has both Handler and PythonPredictor",
            "keep the one",
        ),
        ("raise SystemExit(0)", "SystemExit: 0 (handler.py:1)", None),
        ("from . import other\nclass Handler: pass", "ImportError: attempted relative import", "full name"),
    ],
)
def test_a_class_that_cannot_serve_is_refused(replicas: Replicas, source: str, error: str, hint: "str | None") -> None:
    event = failed(replicas, source)
    assert event["error"].startswith(error)
    assert hint is None or hint in event["hint"]


def test_arguments_are_checked_before_the_constructor_runs(replicas: Replicas) -> None:
    replica = replicas.make(
        "class Handler:\n  def __init__(self): print('constructed')\n  def handle_post(self, body): pass"
    ).start()
    replica.failure()
    assert replica.stdout == ""


def test_a_missing_file(replicas: Replicas) -> None:
    event = failed(replicas, "", handler={"path": "src/other.py"})
    assert event["error"] == "src/other.py is not a file of the project"


def test_threads_that_the_handler_left_behind_do_not_keep_it_alive(replicas: Replicas) -> None:
    event = failed(
        replicas,
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(600,)).start()
        raise RuntimeError("after the thread")
        """,
    )
    assert event["error"].startswith("RuntimeError: after the thread")


def test_nothing_listens_before_the_constructor_is_done(replicas: Replicas) -> None:
    replica = replicas.make(
        """
        import time
        from pathlib import Path
        class Handler:
            def __init__(self):
                while not Path("go").exists(): time.sleep(0.01)
            def handle_post(self): return 1
        """
    ).start()
    event = replica.next_event()
    assert event == {"event": "loading"}
    with pytest.raises(OSError, match="No such file|refused"):
        replica.post(1)
    (replica.project / "go").touch()
    assert replica.until_ready().post(1).status == 200
