"""What a handler gets of a request, by content type."""

from __future__ import annotations

import json

import pytest
from conftest import Replica, Replicas, multipart

HANDLER = """
    from starlette.datastructures import FormData

    class Handler:
        def __init__(self, config):
            self.config = config

        def handle_post(self, payload, query_params, headers):
            if isinstance(payload, FormData):
                content = lambda value: value if type(value) is str else [value.filename, value.file.read().decode()]
                payload = {name: content(value) for name, value in payload.items()}
            if isinstance(payload, bytes):
                payload = {"bytes": payload.hex()}
            return {
                "payload": payload,
                "x": query_params.get("x"),
                "all_x": query_params.getlist("x"),
                "header": headers.get("X-Some"),
                "config": self.config,
            }

        def handle_get(self):
            return "got"

        def handle_put(self, payload):
            return {"put": payload}

        def handle_patch(self, headers):
            return headers["X-Some"]

        def handle_delete(self, query_params):
            return query_params["id"]
"""


@pytest.fixture(scope="module")
def replica(shared_replicas: Replicas) -> Replica:
    return shared_replicas.serve(HANDLER, handler={"config": {"threshold": 0.5}}, max_body_bytes=100_000)


def payload_of(replica: Replica, body: bytes, content_type: str) -> object:
    return replica.request("POST", "/", body, {"content-type": content_type}).json["payload"]


def test_json_arrives_as_an_object(replica: Replica) -> None:
    assert payload_of(replica, b'{"a": [1, 2.5, null, "\xc3\xa9"]}', "application/json; charset=utf-8") == {
        "a": [1, 2.5, None, "é"]
    }


def test_bad_json_is_answered_400_with_the_reason(replica: Replica) -> None:
    answer = replica.request("POST", "/", b"{nope", {"content-type": "application/json"})
    assert answer.status == 400
    assert answer.text == (
        '{"error":"Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"}'
    )
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [b"", b'"\xff"', b"[" * 50_000], ids=["empty", "not UTF-8", "deeply nested"])
def test_other_bad_json_is_answered_400_too(replica: Replica, body: bytes) -> None:
    answer = replica.request("POST", "/", body, {"content-type": "application/json"})
    assert answer.status == 400
    assert "error" in answer.json


def test_plain_text_arrives_as_str_in_its_charset(replica: Replica) -> None:
    assert payload_of(replica, "grüß".encode("latin-1"), "text/plain; charset=ISO-8859-1") == "grüß"
    assert payload_of(replica, "grüß".encode(), "text/plain") == "grüß"


@pytest.mark.parametrize("content_type", ["text/plain; charset=nonsense", "text/plain; charset=ascii"])
def test_text_that_its_charset_cannot_read_is_answered_400(replica: Replica, content_type: str) -> None:
    assert replica.request("POST", "/", "grüß".encode(), {"content-type": content_type}).status == 400


def test_a_urlencoded_form_arrives_as_form_data(replica: Replica) -> None:
    assert payload_of(replica, b"a=1&b=two+words", "application/x-www-form-urlencoded") == {"a": "1", "b": "two words"}


def test_a_multipart_form_arrives_with_its_files(replica: Replica) -> None:
    body, content_type = multipart([("name", None, b"iris"), ("image", "flower.png", b"pixels" * 10)])
    assert payload_of(replica, body, content_type) == {"name": "iris", "image": ["flower.png", "pixels" * 10]}


def test_a_broken_form_is_answered_400(replica: Replica) -> None:
    assert replica.request("POST", "/", b"nonsense", {"content-type": "multipart/form-data"}).status == 400


@pytest.mark.parametrize("headers", [{}, {"content-type": "image/png"}], ids=["no content type", "image/png"])
def test_anything_else_arrives_as_bytes(replica: Replica, headers: "dict[str, str]") -> None:
    assert replica.request("POST", "/", b"\x00\xff", headers).json["payload"] == {"bytes": "00ff"}


def test_query_parameters_and_headers_are_mappings(replica: Replica) -> None:
    answer = replica.post(1, "/?x=1&x=2", x_some="value").json
    assert (answer["x"], answer["all_x"], answer["header"]) == ("2", ["1", "2"], "value")


def test_the_config_reaches_the_constructor(replica: Replica) -> None:
    assert replica.post(None).json["config"] == {"threshold": 0.5}


def test_each_http_method_has_its_own(replica: Replica) -> None:
    assert replica.request("GET").text == "got"
    assert replica.request("PUT", "/", b"1", {"content-type": "application/json"}).json == {"put": 1}
    assert replica.request("PATCH", "/", headers={"x-some": "patched"}).text == "patched"
    assert replica.request("DELETE", "/any/path?id=7").text == "7"


def test_a_body_past_the_limit_is_answered_413(replica: Replica) -> None:
    answer = replica.request("POST", "/", b"x" * 100_001)
    assert (answer.status, answer.json) == (413, {"error": "the body is larger than the limit of 100000 bytes"})


def test_a_chunked_body_is_put_together(replica: Replica) -> None:
    connection = replica.connect()
    connection.request(
        "POST", "/", iter([b'{"a"', b": ", b"1}"]), {"content-type": "application/json"}, encode_chunked=True
    )
    assert json.loads(connection.getresponse().read())["payload"] == {"a": 1}
    connection.close()
