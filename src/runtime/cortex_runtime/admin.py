"""`/healthz` and `/metrics` on a port of their own, for who looks after the replica: kubelet and Prometheus, in a cluster.

They have to be told at any time that a process is well, also while its handler holds the event loop. So a thread answers; it
costs the requests nothing while nobody asks.
"""

from __future__ import annotations

import socket
import threading
from typing import Sequence, Tuple

from .metrics import Meter, MetricsClient
from .settings import Address

#: Seconds that one client may take; there is one thread for all.
_PATIENCE = 2.0
_MAX_HEAD = 16_384


class Admin:
    """Holds its port from the beginning, and lets nobody in before `open`: until then connecting is refused."""

    def __init__(
        self, bound: socket.socket, peers: Sequence[Address], meter: Meter, metrics_client: MetricsClient
    ) -> None:
        """`peers` are the admin addresses of the processes for whose health this one answers too."""
        self._socket = bound
        self._peers = peers
        self._meter = meter
        self._metrics_client = metrics_client

    def open(self) -> None:
        self._socket.listen(16)
        threading.Thread(target=self._serve, name="admin", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                try:
                    client.settimeout(_PATIENCE)
                    client.sendall(self._answer(_read_target(client)))
                except OSError:  # gone, or too slow
                    pass

    def _answer(self, target: str) -> bytes:
        path = target.partition("?")[0]
        if path == "/healthz":
            is_well = all(map(_accepts, self._peers))
            return _response(*((200, "ok") if is_well else (503, "a process is loading")))
        if path == "/metrics":
            return _response(200, self._meter.text() + self._metrics_client.text())
        return _response(404, "not found")


def _read_target(client: socket.socket) -> str:
    """Returns the path and query of the request, "" when it is none."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD:
        received = client.recv(4096)
        if not received:
            break
        head += received
    words = head.split(b"\r\n", 1)[0].split(b" ")
    return words[1].decode("latin-1") if len(words) == 3 else ""


def _response(status: int, text: str) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _accepts(address: Address) -> bool:
    host_and_port: Tuple[str, int] = (address.host, address.port)
    try:
        socket.create_connection(host_and_port, timeout=_PATIENCE).close()
        return True
    except OSError:
        return False
