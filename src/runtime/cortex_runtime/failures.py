"""Why a replica cannot start, in words for the user."""

from __future__ import annotations

from typing import Optional


#: Bytes that kubelet takes of a container's last words.
_LAST_WORDS = 4096


class StartFailure(Exception):
    """Something that the user can act on ended the start.

    `error` is one line; `traceback` is shown above it when the user's code raised; `hint` says what to do next.
    """

    def __init__(self, error: str, *, traceback: str = "", hint: Optional[str] = None) -> None:
        super().__init__(error)
        self.error = error
        self.traceback = traceback
        self.hint = hint

    def for_people(self) -> str:
        """What stderr shows: traceback, unless the line repeats its end, then the line and the hint."""
        parts = [self.traceback.rstrip()] if self.traceback else []
        parts.append(f"error: {self.error}")
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)


def leave_word(failure: StartFailure, file: str) -> None:
    """Writes the end of what people are told, as much as kubelet takes; the whole of it is in the log."""
    try:
        with open(file, "wb") as opened:
            opened.write(failure.for_people().encode()[-_LAST_WORDS:].decode(errors="ignore").encode())
    except OSError:  # the log says it too
        pass

