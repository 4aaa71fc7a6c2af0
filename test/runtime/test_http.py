"""The HTTP contract beside the handler: how to use it, CORS, wrong methods, probes, metrics."""

from __future__ import annotations

import pytest
from conftest import Replica, Replicas, UnixConnection

PREDICTOR = """
    class PythonPredictor:
        def __init__(self, config, metrics_client):
            self.metrics = metrics_client

        def predict(self, payload):
            self.metrics.increment("predictions", tags={"kind": "iris"})
            self.metrics.gauge("last", 1.5)
            self.metrics.histogram("sizes", 0.3)
            return payload
"""


@pytest.fixture(scope="module")
def predictor(shared_replicas: Replicas) -> Replica:
    return shared_replicas.serve(PREDICTOR)


@pytest.fixture(scope="module")
def handler(shared_replicas: Replicas) -> Replica:
    return shared_replicas.serve(
        """
        class Handler:
            def handle_post(self, payload): return payload
            def handle_put(self): return "the handler's own"
        """
    )


def test_get_says_how_to_use_a_predictor(predictor: Replica) -> None:
    answer = predictor.request("GET")
    assert answer.status == 200
    assert answer.text == (
        '{"message":"make a prediction by sending a post request to this endpoint with a json payload"}'
    )


def test_a_method_that_the_handler_lacks_is_405(handler: Replica) -> None:
    answer = handler.request("GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, PUT, OPTIONS")
    assert answer.json == {"error": "GET is not supported, this API answers POST, PUT, OPTIONS"}


@pytest.mark.parametrize("method", ["PUT", "BREW"])
def test_a_predictor_knows_post_and_get_alone(predictor: Replica, method: str) -> None:
    assert predictor.request(method).status in (400, 405)  # a method that HTTP does not know never gets this far


def test_a_preflight_allows_every_origin_and_the_headers_it_asks_for(handler: Replica) -> None:
    answer = handler.request(
        "OPTIONS",
        headers={
            "origin": "https://example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "x-token",
        },
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST, PUT, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "x-token"


def test_answers_to_another_origin_may_be_read(handler: Replica) -> None:
    answer = handler.post(1, origin="https://example.com")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "Content-Length,Content-Range"


def test_healthz_is_the_runtimes_for_a_probe_and_the_handlers_otherwise(handler: Replica) -> None:
    assert handler.request("GET", "/healthz", headers={"x-cortex-probe": "1"}).text == "ok"
    assert handler.request("PUT", "/healthz").text == "the handler's own"


def test_metrics_count_requests_and_what_the_handler_counts(predictor: Replica) -> None:
    predictor.post(1)
    text = predictor.request("GET", "/metrics", headers={"x-cortex-probe": "1"}).text
    labels = 'api="iris",revision="3",replica="r1"'
    assert f'cortex_requests_total{{{labels},status="200"}} ' in text
    assert f"cortex_in_flight_requests{{{labels}}} 0" in text
    assert f'cortex_request_duration_seconds_bucket{{{labels},le="+Inf"}} ' in text
    assert f'predictions{{{labels},kind="iris"}} 1.0' in text
    assert f"last{{{labels}}} 1.5" in text
    assert f"sizes_count{{{labels}}} 1" in text


def test_a_connection_is_kept_for_the_next_request(handler: Replica) -> None:
    connection: UnixConnection = handler.connect()
    for number in range(3):
        connection.request("POST", "/", str(number).encode(), {"content-type": "application/json"})
        assert connection.getresponse().read() == str(number).encode()
    connection.close()


def test_only_the_owner_may_open_the_socket(handler: Replica) -> None:
    import os
    import stat

    assert stat.S_IMODE(os.stat(handler.sockets[0]).st_mode) == 0o600
