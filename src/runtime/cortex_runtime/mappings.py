"""Headers and query parameters as handlers know them: like Starlette's classes, without the cost of its import."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, List, Mapping, Tuple
from urllib.parse import parse_qsl

Pairs = Iterable[Tuple[str, str]]


class Headers(Mapping[str, str]):
    """Names compare without regard to case; of a repeated name `[]` gives the first value."""

    __slots__ = ("raw",)

    def __init__(self, raw: "List[Tuple[bytes, bytes]]") -> None:
        self.raw = raw

    def __getitem__(self, name: str) -> str:
        wanted = name.lower().encode("latin-1")
        for key, value in self.raw:
            if key == wanted:
                return value.decode("latin-1")
        raise KeyError(name)

    def __contains__(self, name: Any) -> bool:
        wanted = name.lower().encode("latin-1")
        return any(key == wanted for key, _ in self.raw)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and sorted(self.raw) == sorted(other.raw)

    def __repr__(self) -> str:
        return f"Headers({dict(self.items())!r})"

    def keys(self) -> "List[str]":  # type: ignore[override]
        return [key.decode("latin-1") for key, _ in self.raw]

    def values(self) -> "List[str]":  # type: ignore[override]
        return [value.decode("latin-1") for _, value in self.raw]

    def items(self) -> "List[Tuple[str, str]]":  # type: ignore[override]
        return [(key.decode("latin-1"), value.decode("latin-1")) for key, value in self.raw]

    def getlist(self, name: str) -> "List[str]":
        wanted = name.lower().encode("latin-1")
        return [value.decode("latin-1") for key, value in self.raw if key == wanted]


class QueryParams(Mapping[str, str]):
    """Of a repeated name `[]` gives the last value, `getlist` all."""

    __slots__ = ("_pairs", "_last", "_text")

    def __init__(self, query_string: bytes) -> None:
        self._text = query_string.decode("latin-1")
        self._pairs = parse_qsl(self._text, keep_blank_values=True)
        self._last = dict(self._pairs)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QueryParams) and sorted(self._pairs) == sorted(other._pairs)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"QueryParams({self._text!r})"

    def getlist(self, name: Any) -> "List[str]":
        return [value for key, value in self._pairs if key == name]

    def multi_items(self) -> "List[Tuple[str, str]]":
        return list(self._pairs)
