"""What a replica answers beside the handler: how to use it, CORS, wrong methods, health and metrics.

The handler owns every path. `/healthz` and `/metrics` are the runtime's only for a request that carries the header
`x-cortex-probe`; the same paths without it are the handler's. See `cortex_runtime.admin` for a port with nothing else.
"""

from __future__ import annotations

from typing import Collection, List, Optional

from .asgi import Scope
from .metrics import Meter, MetricsClient
from .replies import ALLOW_ORIGIN, FOR_ORIGIN, Bare, Reply, error_reply, json_reply, text_reply

PATHS = frozenset(("/healthz", "/metrics"))
HELLO = "make a prediction by sending a post request to this endpoint with a json payload"
_DAY_SECONDS = 86400


class Beside:
    def __init__(
        self,
        methods: Collection[str],
        says_hello: bool,
        meter: Meter,
        metrics_client: MetricsClient,
    ) -> None:
        offered = {*methods, "GET"} if says_hello else set(methods)
        self._methods: List[str] = [*sorted(offered), "OPTIONS"]
        self._says_hello = says_hello
        self._meter = meter
        self._metrics_client = metrics_client

    def answer(self, scope: Scope) -> Optional[Reply]:
        """Returns None when the request is meant for the handler, or for nobody. These answers are not counted."""
        if scope["path"] in PATHS and self._is_probe(scope):
            if scope["path"] == "/healthz":
                return text_reply(200, "ok")
            return text_reply(200, self._meter.text() + self._metrics_client.text())
        if scope["method"] == "OPTIONS":
            return self._preflight(scope)
        if self._says_hello and scope["method"] in ("GET", "HEAD"):
            return json_reply(200, {"message": HELLO})
        return None

    def refuse(self, scope: Scope) -> Reply:
        allowed = ", ".join(self._methods)
        reply = error_reply(405, f"{scope['method']} is not supported, this API answers {allowed}")
        reply.headers.append((b"allow", allowed.encode()))
        return reply

    def _is_probe(self, scope: Scope) -> bool:
        return any(name == b"x-cortex-probe" for name, _ in scope["headers"])

    def _preflight(self, scope: Scope) -> Reply:
        asked = next((value for name, value in scope["headers"] if name == b"access-control-request-headers"), b"*")
        return Bare(
            204,
            [
                ALLOW_ORIGIN,
                FOR_ORIGIN[0],
                (b"access-control-allow-methods", ", ".join(self._methods).encode()),
                (b"access-control-allow-headers", asked),
                (b"access-control-max-age", str(_DAY_SECONDS).encode()),
                (b"allow", ", ".join(self._methods).encode()),
            ],
        )

