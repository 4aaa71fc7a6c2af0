"""The class contracts: constructors, methods, what runs after, threads, and where modules come from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from conftest import Replicas
from test_results import wait_for


def test_post_predict_gets_the_response_and_runs_after_it(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        from pathlib import Path
        class PythonPredictor:
            def __init__(self, config): pass
            def predict(self, payload): return {"doubled": payload * 2}
            def post_predict(self, response, payload, query_params):
                Path("after.txt").write_text(f"{response} {payload} {query_params['q']}")
        """
    )
    assert replica.post(4, "/?q=x").json == {"doubled": 8}
    after = replica.project / "after.txt"
    wait_for(lambda: after.exists() and after.read_text() == "{'doubled': 8} 4 x")


def test_a_predictor_may_take_no_argument_at_all(replicas: Replicas) -> None:
    assert replicas.serve("class PythonPredictor:\n  def predict(self): return 'constant'").post(1).text == "constant"


def test_a_predictor_of_batch_jobs_gets_no_batch_id(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        class PythonPredictor:
            def __init__(self, config, job_spec=None): self.job_spec = job_spec
            def predict(self, payload, batch_id): return [payload, batch_id, self.job_spec]
        """
    )
    assert replica.post(1).json == [1, None, None]


def test_async_methods_are_awaited_side_by_side(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import asyncio
        class Handler:
            def __init__(self): self.arrived = []
            async def handle_post(self, payload):
                self.arrived.append(payload)
                while len(self.arrived) < 3:
                    await asyncio.sleep(0.001)
                return payload
        """
    )
    with ThreadPoolExecutor(3) as pool:
        assert sorted(answer.json for answer in pool.map(replica.post, [1, 2, 3])) == [1, 2, 3]


def test_exactly_as_many_requests_run_at_once_as_there_are_threads(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import threading, time
        class Handler:
            def __init__(self):
                self.lock, self.now, self.most = threading.Lock(), 0, 0
            def handle_post(self):
                with self.lock:
                    self.now += 1
                    self.most = max(self.most, self.now)
                time.sleep(0.05)
                with self.lock:
                    self.now -= 1
                return self.most
        """,
        handler={"threads_per_process": 3},
    )
    with ThreadPoolExecutor(12) as pool:
        assert max(answer.json for answer in pool.map(replica.post, range(12))) == 3


def test_one_thread_loads_and_serves(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import sqlite3
        class Handler:
            def __init__(self):
                self.database = sqlite3.connect(":memory:")  # usable in the thread that made it alone
            def handle_post(self):
                return self.database.execute("select 42").fetchone()[0]
        """
    )
    assert replica.post(1).json == 42


def test_modules_come_from_the_project_and_from_python_path(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import beside, below
        from package.deep import VALUE
        class Handler:
            def handle_post(self): return [beside.VALUE, below.VALUE, VALUE, open("data.txt").read()]
        """,
        {"beside.py": "VALUE = 1", "lib/below.py": "VALUE = 2", "package/deep.py": "VALUE = 3", "data.txt": "4"},
        handler={"python_path": "lib"},
    )
    assert replica.post(1).json == [1, 2, 3, "4"]


def test_a_file_of_the_project_may_have_the_name_of_a_module_that_the_server_needs(replicas: Replicas) -> None:
    replica = replicas.serve(
        "class Handler:\n  def handle_post(self): return 'fine'", {"click.py": "raise 1", "queue.py": "raise 1"}
    )
    assert replica.post(1).text == "fine"


def test_site_packages_named_in_the_settings_come_before_the_runtimes_own(replicas: Replicas, tmp_path: object) -> None:
    replica = replicas.make(
        "import extra\nclass Handler:\n  def handle_post(self): return extra.VALUE",
        {"../site/extra.py": "VALUE = 'from site'"},
    )
    replica._settings["site_packages"] = [str(replica.folder / "site")]
    assert replica.start().until_ready().post(1).text == "from site"


def test_multiprocessing_works_in_a_handler(replicas: Replicas) -> None:
    replica = replicas.serve(
        """
        import multiprocessing
        class Handler:
            def handle_post(self):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    return pool.apply(abs, (-3,))
        """
    )
    assert replica.post(1).json == 3


def test_prints_appear_at_once_and_in_utf_8(replicas: Replicas) -> None:
    replica = replicas.make(
        """
        import logging, sys
        class Handler:
            def __init__(self): print("lädt")
            def handle_post(self):
                print("stdout ☃")
                print("stderr", file=sys.stderr)
                logging.info("not shown")
                logging.warning("shown")
                return 1
        """,
        handler={"log_level": "warning"},
    )
    replica.start({"LC_ALL": "C", "PYTHONUTF8": "0"}).until_ready()
    assert replica.stdout == "lädt\n"
    replica.post(1)
    assert replica.stdout == "lädt\nstdout ☃\n"
    assert replica.stderr == "stderr\nWARNING root: shown\n"




def test_a_pickled_class_is_served_by_way_of_dill(replicas: Replicas) -> None:
    dill = "class Served:\n  def handle_post(self): return 'from a pickle'\ndef load(file): return Served\n"
    replica = replicas.make("", {"handler.pickle": "", "../site/dill.py": dill}, handler={"path": "handler.pickle"})
    replica._settings["site_packages"] = [str(replica.folder / "site")]
    assert replica.start().until_ready().post(1).text == "from a pickle"


LOGGING = """
    from cortex_internal.lib.log import logger as cortex_logger
    class Handler:
        def handle_post(self, payload):
            cortex_logger.info("received %s", "it", extra={"payload": payload})
"""


def test_the_logger_of_older_versions_writes_its_extra_fields(replicas: Replicas) -> None:
    replica = replicas.serve(LOGGING)
    replica.post({"a": 1})
    wait_for(lambda: 'INFO cortex: received it {"payload": {"a": 1}}\n' in replica.stderr)


def test_a_module_of_the_project_comes_before_one_of_older_versions(replicas: Replicas) -> None:
    folder = "cortex_internal/"
    own = {
        f"{folder}__init__.py": "",
        f"{folder}lib/__init__.py": "",
        f"{folder}lib/log.py": "class logger:\n  def info(text, *_, extra): print('mine', extra['payload'])\n",
    }
    replica = replicas.serve(LOGGING, own)
    replica.post(5)
    wait_for(lambda: replica.stdout == "mine 5\n")
