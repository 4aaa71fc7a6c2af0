"""From the handler's file to an object that can answer: import, check, `__init__`."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Callable, Dict, FrozenSet, Iterator, Mapping, Optional

from .failures import StartFailure
from .former import offer_former_modules
from .missing import import_hint
from .settings import Settings
from .signatures import wanted_arguments
from .tracebacks import one_line, user_traceback

VERBS = ("post", "get", "put", "patch", "delete")
REQUEST_ARGUMENTS = ("payload", "query_params", "headers")
#: Arguments of `__init__` that only other kinds of API or model sources give.
ELSEWHERE = {
    "python_client": "multi_model_reloading",
    "model_client": "multi_model_reloading",
    "job_spec": "kind: BatchAPI",
    "proto_module_pb2": "protobuf_path",
    "tensorflow_client": "type: tensorflow",
    "onnx_client": "type: onnx",
}


@dataclass(frozen=True)
class Method:
    """A method of the handler, bound, with the names of the arguments that it wants."""

    call: Callable[..., Any]
    wants: FrozenSet[str]
    is_async: bool


@dataclass(frozen=True)
class Handler:
    """A handler that is ready: its method per HTTP method, and what runs after each answer.

    `says_hello` is true for the older generation, which answers GET with a line on how to use it.
    """

    methods: Mapping[str, Method]
    after: Optional[Method]
    says_hello: bool


@dataclass(frozen=True)
class Found:
    """The handler's class, not yet constructed; `plan` has the wanted arguments per method."""

    handler: type
    plan: Mapping[str, FrozenSet[str]]

    @property
    def is_async(self) -> bool:
        """Whether any of its methods is."""
        return any(inspect.iscoroutinefunction(getattr(self.handler, name)) for name in self.plan)


def find_handler(settings: Settings) -> Found:
    """Imports the handler's file. Raises StartFailure."""
    offer_former_modules()
    with _start_failures(settings):
        handler = find_class(import_file(settings), settings.handler_path)
        return Found(handler, _check(handler))


def construct(found: Found, settings: Settings, metrics_client: object) -> Handler:
    """Runs `__init__`. Raises StartFailure."""
    with _start_failures(settings):
        instance = _construct(found.handler, settings, metrics_client)
    return _bind(instance, found.plan)


@contextmanager
def _start_failures(settings: Settings) -> "Iterator[None]":
    """Everything that the user's code raises ends here, as a StartFailure with the user's frames of the traceback."""
    try:
        yield
    except StartFailure:
        raise
    except BaseException as error:  # SystemExit too: a replica that stops while it loads has failed
        raise StartFailure(
            one_line(error, settings.project_dir),
            traceback=user_traceback(error, settings.project_dir),
            hint=import_hint(error, settings.requirements),
        ) from error


def import_file(settings: Settings) -> object:
    """Runs the handler's file as a module; a `.pickle` file gives the class itself, by way of dill."""
    path = os.path.join(settings.project_dir, *settings.handler_path.split("/"))
    if not os.path.isfile(path):
        raise StartFailure(f"{settings.handler_path} is not a file of the project")
    if path.endswith((".pickle", ".pkl")):
        import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]

        with open(path, "rb") as pickled:
            return dill.load(pickled)
    return _module(path)


def _module(path: str) -> ModuleType:
    stem = os.path.splitext(os.path.basename(path))[0]
    name = stem if stem.isidentifier() and stem not in sys.modules else "cortex_handler"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StartFailure(f"{os.path.basename(path)} is not a Python file", hint="name it with the ending .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def find_class(module: object, path: str) -> type:
    if isinstance(module, type):
        return module
    found = [name for name in ("Handler", "PythonPredictor") if isinstance(getattr(module, name, None), type)]
    if len(found) == 2:
        raise StartFailure(f"{path} has both Handler and PythonPredictor", hint="keep the one that should serve")
    if not found:
        raise StartFailure(f"{path} has no class named Handler", hint=_class_hint(module))
    handler: type = getattr(module, found[0])
    return handler


def _class_hint(module: object) -> str:
    for name in ("TensorFlowPredictor", "ONNXPredictor"):
        if hasattr(module, name):
            return f"name {name} PythonPredictor, and load the model in its __init__: no client is given to it"
    return "name your class Handler, or PythonPredictor"


def _check(handler: type) -> Dict[str, FrozenSet[str]]:
    """Returns the wanted arguments per method (`predict`, `handle_post`, …, `post_predict`)."""
    if callable(getattr(handler, "predict", None)) and not _verb_methods(handler):
        plan = {"predict": wanted_arguments(handler, "predict", (*REQUEST_ARGUMENTS, "batch_id"))}
        if hasattr(handler, "post_predict"):
            plan["post_predict"] = wanted_arguments(handler, "post_predict", ("response", *REQUEST_ARGUMENTS))
        return plan
    plan = {name: wanted_arguments(handler, name, REQUEST_ARGUMENTS) for name in _verb_methods(handler)}
    if not plan:
        raise StartFailure(
            f"class {handler.__name__} has no method that answers requests",
            hint="define at least one of " + ", ".join(f"handle_{verb}" for verb in VERBS) + " (or predict)",
        )
    return plan


def _verb_methods(handler: type) -> "list[str]":
    return [f"handle_{verb}" for verb in VERBS if hasattr(handler, f"handle_{verb}")]


def _construct(handler: type, settings: Settings, metrics_client: object) -> object:
    given: Dict[str, Any] = {"config": copy.deepcopy(settings.config), "metrics_client": metrics_client}
    if handler.__init__ is object.__init__:  # type: ignore[misc]
        return handler()
    wants = wanted_arguments(handler, "__init__", (*given, *ELSEWHERE))
    parameters = inspect.signature(handler.__init__).parameters  # type: ignore[misc]
    for name in wants & ELSEWHERE.keys():
        if parameters[name].default is inspect.Parameter.empty:
            raise StartFailure(
                f"{handler.__name__}.__init__ wants {name!r}, which is given only with {ELSEWHERE[name]}",
                hint=f"remove the argument, or give it a default: {name}=None",
            )
    return handler(**{name: value for name, value in given.items() if name in wants})


def _bind(instance: object, plan: Mapping[str, FrozenSet[str]]) -> Handler:
    def method(name: str) -> Method:
        call = getattr(instance, name)
        if "batch_id" in plan[name]:
            call = _without_batch_id(call)
        return Method(call, plan[name] - {"batch_id"}, inspect.iscoroutinefunction(getattr(instance, name)))

    if "predict" in plan:
        after = method("post_predict") if "post_predict" in plan else None
        return Handler({"POST": method("predict")}, after, says_hello=True)
    return Handler({name[len("handle_") :].upper(): method(name) for name in plan}, None, says_hello=False)


def _without_batch_id(call: Callable[..., Any]) -> Callable[..., Any]:
    """One class may serve batch jobs and requests; for a request its `batch_id` is None."""

    def predict(**arguments: Any) -> Any:
        return call(batch_id=None, **arguments)

    return predict
