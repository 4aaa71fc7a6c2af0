"""What one process counts, and what handlers count themselves, as Prometheus reads it."""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import Dict, List, Mapping, Optional, Tuple

#: Upper bounds in seconds, from a no-op to a long generation.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
#: Series that a handler may make: one per request id would fill memory.
MAX_SERIES = 1000
Labels = Tuple[Tuple[str, str], ...]


class Histogram:
    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value

    def lines(self, name: str, labels: Labels) -> List[str]:
        lines, seen = [], 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self.counts):
            seen += count
            lines.append(f"{name}_bucket{_braces((*labels, ('le', bound)))} {seen}")
        return [*lines, f"{name}_sum{_braces(labels)} {self.total!r}", f"{name}_count{_braces(labels)} {seen}"]


class Meter:
    """Counts requests. Only the event loop writes to it; any thread may read."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels: Labels = tuple(labels.items())
        self.in_flight = 0
        self.durations = Histogram()
        self._by_status: Dict[int, int] = {}

    def observe(self, status: int, seconds: float) -> None:
        self._by_status[status] = self._by_status.get(status, 0) + 1
        self.durations.observe(seconds)

    def text(self) -> str:
        lines = [
            "# TYPE cortex_in_flight_requests gauge",
            f"cortex_in_flight_requests{_braces(self._labels)} {self.in_flight}",
            "# TYPE cortex_requests_total counter",
        ]
        for status, count in sorted(self._by_status.copy().items()):
            lines.append(f"cortex_requests_total{_braces((*self._labels, ('status', str(status))))} {count}")
        lines.append("# TYPE cortex_request_duration_seconds histogram")
        lines += self.durations.lines("cortex_request_duration_seconds", self._labels)
        return "\n".join(lines) + "\n"


class MetricsClient:
    """Given to a handler whose `__init__` asks for `metrics_client`. Every method may be called from any thread.

    Names starting with `cortex_` or `istio_` are refused with ValueError.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels: Labels = tuple(labels.items())
        self._lock = threading.Lock()
        self._types: Dict[str, str] = {}
        self._numbers: Dict[Tuple[str, Labels], float] = {}
        self._histograms: Dict[Tuple[str, Labels], Histogram] = {}

    def gauge(self, metric: str, value: float, tags: Optional[Mapping[str, str]] = None) -> None:
        with self._lock:
            key = self._key(metric, "gauge", tags)
            if key is not None:
                self._numbers[key] = float(value)

    def increment(self, metric: str, value: float = 1, tags: Optional[Mapping[str, str]] = None) -> None:
        with self._lock:
            key = self._key(metric, "counter", tags)
            if key is not None:
                self._numbers[key] = self._numbers.get(key, 0.0) + float(value)

    def histogram(self, metric: str, value: float, tags: Optional[Mapping[str, str]] = None) -> None:
        with self._lock:
            key = self._key(metric, "histogram", tags)
            if key is not None:
                self._histograms.setdefault(key, Histogram()).observe(float(value))

    def text(self) -> str:
        with self._lock:
            lines: List[str] = []
            for metric, kind in sorted(self._types.items()):
                lines.append(f"# TYPE {metric} {kind}")
                for (name, tags), number in self._numbers.items():
                    if name == metric:
                        lines.append(f"{metric}{_braces((*self._labels, *tags))} {number!r}")
                for (name, tags), histogram in self._histograms.items():
                    if name == metric:
                        lines += histogram.lines(metric, (*self._labels, *tags))
        return "\n".join(lines) + "\n" if lines else ""

    def _key(self, metric: str, kind: str, tags: Optional[Mapping[str, str]]) -> "Optional[Tuple[str, Labels]]":
        """Returns None, and so drops the value, when there are too many series already."""
        if metric.startswith(("cortex_", "istio_")):
            raise ValueError(f"the metric {metric!r} must not begin with cortex_ or istio_")
        name = _safe_name(metric)
        known = self._types.get(name)
        if known is not None and known != kind:
            raise ValueError(f"the metric {metric!r} is a {known} already, not a {kind}")
        key = (name, tuple(sorted((_safe_name(tag), str(value)) for tag, value in (tags or {}).items())))
        is_new = key not in self._numbers and key not in self._histograms
        if is_new and len(self._numbers) + len(self._histograms) >= MAX_SERIES:
            return None
        self._types[name] = kind
        return key


def _safe_name(name: str) -> str:
    safe = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in name)
    return "_" + safe if not safe or safe[0].isdigit() else safe


def _braces(labels: Labels) -> str:
    escaped = ((name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for name, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}" if labels else ""
