"""A memory limit where the system has none for a process: elsewhere than on Linux, by looking."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Callable

from .control import Control

_INTERVAL_SECONDS = 0.25


def watch_memory(limit_bytes: int, control: Control, peak: "Callable[[], int]") -> None:
    """Ends the process with status 137 once its peak passes `limit_bytes`."""

    def watch() -> None:
        while True:
            used = peak()
            if used > limit_bytes:
                control.send("out_of_memory", peak_bytes=used)
                os._exit(137)
            time.sleep(_INTERVAL_SECONDS)

    threading.Thread(target=watch, name="memory", daemon=True).start()


def peak_bytes() -> int:
    """The most memory that this process has had resident."""
    if sys.platform == "win32":
        return _peak_on_windows()
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_on_windows() -> int:
    if sys.platform != "win32":
        raise OSError("not Windows")
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        _fields_ = [("cb", wintypes.DWORD), ("PageFaultCount", wintypes.DWORD)] + [
            (name, ctypes.c_size_t)
            for name in (
                "PeakWorkingSetSize",
                "WorkingSetSize",
                "QuotaPeakPagedPoolUsage",
                "QuotaPagedPoolUsage",
                "QuotaPeakNonPagedPoolUsage",
                "QuotaNonPagedPoolUsage",
                "PagefileUsage",
                "PeakPagefileUsage",
            )
        ]

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    current = ctypes.windll.kernel32.GetCurrentProcess
    current.restype = wintypes.HANDLE
    read = ctypes.windll.psapi.GetProcessMemoryInfo
    read.argtypes = (wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD)
    if not read(current(), ctypes.byref(counters), counters.cb):
        return 0
    return int(counters.PeakWorkingSetSize)
