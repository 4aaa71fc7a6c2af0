"""Which arguments a handler's method asks for, and whether the runtime has them."""

from __future__ import annotations

import inspect
from typing import Any, FrozenSet, Sequence

from .failures import StartFailure


def wanted_arguments(handler: type, method: str, allowed: Sequence[str]) -> FrozenSet[str]:
    """Returns the argument names (without self) of `method`, looked up on the class so that nothing is called yet.

    Raises StartFailure when one is not among `allowed`: it would otherwise fail at the first request.
    """
    names = []
    for parameter in _parameters(handler, method):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise StartFailure(
                f"{handler.__name__}.{method}: argument {parameter.name!r} cannot be given by name",
                hint='remove the "/" from the argument list',
            )
        if parameter.name not in allowed:
            raise _unknown_argument(handler, method, parameter.name, allowed)
        names.append(parameter.name)
    return frozenset(names)


def _parameters(handler: type, method: str) -> "list[inspect.Parameter]":
    found: Any = getattr(handler, method)
    if not callable(found):
        raise StartFailure(f"{handler.__name__}.{method} is not a method")
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):  # written in C: there are no names to check
        return []
    is_bound = isinstance(inspect.getattr_static(handler, method), (staticmethod, classmethod))
    if not is_bound and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        return parameters[1:]
    return parameters


def _unknown_argument(handler: type, method: str, name: str, allowed: Sequence[str]) -> StartFailure:
    import difflib

    near = difflib.get_close_matches(name, allowed, 1)
    listed = ", ".join(allowed) if allowed else "no arguments but self"
    return StartFailure(
        f"{handler.__name__}.{method} has an argument {name!r}, which the runtime does not know",
        hint=(f"did you mean {near[0]!r}? " if near else "") + f"{method} may take: {listed}",
    )
