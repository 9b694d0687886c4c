"""Questions go to an endpoint over HTTP, and answers or what is in the way come back."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp.client_reqrep import ConnectionKey

from agentpond.pipeline.processors.reviewer.asking import _in_the_way, asker, url_of
from agentpond.pipeline.processors.reviewer.question import Answer, Question, Refusal, Trouble

from .given import Endpoint, completion, config, endpoint, message, nobody

QUESTION = Question('{"session":{}}', "Review it.")
APIS = ["openai", "anthropic"]


@pytest.fixture
def there() -> Iterator[Endpoint]:
    with endpoint() as told:
        yield told


def ask(there: Endpoint, **options: Any) -> Answer | Refusal:
    return asker(config(endpoint=there.url, **options))(QUESTION)


@pytest.mark.parametrize(
    ("api", "base", "url"),
    [
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("openai", "https://a.example/v1/", "https://a.example/v1/chat/completions"),
        ("openai", "https://a.example/chat/completions", "https://a.example/chat/completions"),
        ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "https://a.example/v1/messages", "https://a.example/v1/messages"),
    ],
)
def test_the_base_of_an_api_is_completed(api: str, base: str, url: str) -> None:
    told = url_of(config(api=api, endpoint=base))

    assert told == url


def test_openai_is_asked_for_a_completion(there: Endpoint) -> None:
    there.says(completion("{}"))

    ask(there, api_key="sk-1")

    assert there.paths == ["/chat/completions"]
    assert there.heard[0]["authorization"] == "Bearer sk-1"
    assert there.heard[0]["content-type"] == "application/json"
    assert there.sent == [
        {
            "model": "judge",
            "max_tokens": 2000,
            "messages": [
                {"role": "system", "content": "Review it."},
                {"role": "user", "content": '{"session":{}}'},
            ],
            "response_format": {"type": "json_object"},
        }
    ]


def test_anthropic_is_asked_for_a_message(there: Endpoint) -> None:
    there.says(message("{}"))

    ask(there, api="anthropic", api_key="sk-1")

    assert there.paths == ["/v1/messages"]
    assert there.heard[0]["x-api-key"] == "sk-1"
    assert there.heard[0]["anthropic-version"] == "2023-06-01"
    assert "authorization" not in there.heard[0]
    assert there.sent == [
        {
            "model": "judge",
            "max_tokens": 2000,
            "system": "Review it.",
            "messages": [{"role": "user", "content": '{"session":{}}'}],
        }
    ]


@pytest.mark.parametrize("key", [None, "", " "])
@pytest.mark.parametrize("api", APIS)
def test_without_a_key_none_is_shown(there: Endpoint, api: str, key: str | None) -> None:
    there.says({})

    ask(there, api=api, api_key=key)

    assert there.heard[0].keys().isdisjoint({"authorization", "x-api-key"})


def test_members_of_the_request_win_over_ours(there: Endpoint) -> None:
    there.says(completion("{}"))
    own = {"max_tokens": None, "max_completion_tokens": 9, "response_format": {"type": "text"}}

    ask(there, request=own)

    assert there.sent[0].keys() == {"model", "messages", "max_completion_tokens", "response_format"}
    assert there.sent[0]["response_format"] == {"type": "text"}


@pytest.mark.parametrize(("api", "answer"), [("openai", completion), ("anthropic", message)])
def test_an_answer_has_its_text_model_and_tokens(there: Endpoint, api: str, answer: Any) -> None:
    there.says(answer("So it is."))

    told = ask(there, api=api)

    assert told == Answer("So it is.", "judge-2026", 900, 80)


def test_usage_and_model_need_not_be_told(there: Endpoint) -> None:
    there.says({"choices": [{"message": {"content": "So it is."}}]})

    told = ask(there)

    assert told == Answer("So it is.")


@pytest.mark.parametrize(
    ("status", "trouble", "words"),
    [
        (301, Trouble.ENDPOINT, "answered 301 (Moved Permanently)"),
        (401, Trouble.ENDPOINT, "answered 401 (Unauthorized)"),
        (404, Trouble.ENDPOINT, "answered 404 (Not Found)"),
        (429, Trouble.ENDPOINT, "answered 429 (Too Many Requests)"),
        (500, Trouble.ENDPOINT, "answered 500 (Internal Server Error)"),
        (529, Trouble.ENDPOINT, "answered 529"),
        (400, Trouble.QUESTION, "answered 400 (Bad Request)"),
        (422, Trouble.QUESTION, "answered 422"),
    ],
)
def test_an_error_is_told_by_its_status(
    there: Endpoint, status: int, trouble: Trouble, words: str
) -> None:
    there.status = status
    there.says({"error": {"message": "No."}})

    told = ask(there)

    assert isinstance(told, Refusal)
    assert told.trouble is trouble
    assert told.reason.startswith(f"{there.url.removeprefix('http://')} {words}")
    assert told.detail == '{"error": {"message": "No."}}'


def test_a_redirect_is_not_followed(there: Endpoint) -> None:
    there.status, there.headers = 307, {"Location": f"{there.url}/elsewhere"}

    ask(there, api_key="sk-1")

    assert there.paths == ["/chat/completions"]


def test_an_error_that_repeats_the_key_does_not_spread_it(there: Endpoint) -> None:
    there.status = 401
    there.says({"error": {"message": "Incorrect API key provided: sk-hunter2-hunter2."}})

    told = ask(there, api_key="sk-hunter2-hunter2")

    assert "hunter2" not in repr(told)
    assert "provided: ***." in repr(told)


@pytest.mark.parametrize(
    ("api", "answer", "words"),
    [
        ("openai", {}, "answered nothing that is of the API `openai`"),
        ("openai", [], "answered nothing that is of the API `openai`"),
        ("openai", {"choices": []}, "its answer is empty"),
        ("openai", completion(" "), "its answer is empty"),
        ("openai", completion("{", finish_reason="length"), "cut off after 2000 tokens"),
        ("openai", {"choices": [{"message": {"content": 3}}]}, "of the API `openai`"),
        ("anthropic", completion("{}"), "answered nothing that is of the API `anthropic`"),
        ("anthropic", {"content": []}, "its answer is empty"),
        ("anthropic", message("{", stop_reason="max_tokens"), "cut off after 2000 tokens"),
    ],
)
def test_an_answer_that_is_none_is_told(there: Endpoint, api: str, answer: Any, words: str) -> None:
    there.says(answer)

    told = ask(there, api=api)

    assert isinstance(told, Refusal)
    assert told.trouble is Trouble.ANSWER
    assert words in told.reason


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"\xff\xfe", b""])
def test_an_answer_that_is_no_json_is_told(there: Endpoint, body: bytes) -> None:
    there.body = body

    told = ask(there)

    assert isinstance(told, Refusal)
    assert "answered nothing that is of the API" in told.reason


def test_an_answer_without_end_is_given_up(there: Endpoint) -> None:
    there.body = b" " * (2 * 1024 * 1024)

    told = ask(there)

    assert isinstance(told, Refusal)
    assert told.reason.endswith("answered at more length than it may")


def test_where_nobody_listens_the_connection_is_refused() -> None:
    with nobody() as host:
        told = asker(config(endpoint=f"http://{host}/v1"))(QUESTION)

    assert isinstance(told, Refusal)
    assert told.trouble is Trouble.ENDPOINT
    assert told.reason == f"{host} refuses the connection"


def test_who_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"

        told = asker(config(endpoint=f"http://{host}/v1", timeout="50ms"))(QUESTION)

    assert told == Refusal(Trouble.ENDPOINT, f"{host} gave no answer within 0.05s")


def test_who_hangs_up_is_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        thread = threading.Thread(target=hang_up, args=(server,))
        thread.start()

        told = asker(config(endpoint=f"http://{host}/v1"))(QUESTION)
        thread.join()

    assert isinstance(told, Refusal)
    assert told.reason == f"{host} broke the connection off"


def test_a_proxy_of_the_environment_leads_to_other_machines(
    there: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", there.url)
    monkeypatch.delenv("no_proxy", raising=False)
    there.says(completion("So it is."))

    told = asker(config(endpoint="http://gateway.invalid:4000/v1", insecure=True))(QUESTION)

    assert there.paths == ["http://gateway.invalid:4000/v1/chat/completions"]
    assert isinstance(told, Answer)


def test_to_this_machine_no_proxy_is_taken(
    there: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    there.says(completion("So it is."))

    told = ask(there)

    assert isinstance(told, Answer)


def hang_up(server: socket.socket) -> None:
    """Take one connection and close it."""
    taken, _ = server.accept()
    taken.close()


class Stranger(HTTPServer):
    """A server whose certificate nobody trusts, and which bears that in silence."""

    def handle_error(self, *about: object) -> None:
        del about


@contextmanager
def behind_tls() -> Iterator[str]:
    """Run an endpoint whose certificate is of an authority that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with Stranger(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_who_shows_a_certificate_of_anybody_is_told_nothing() -> None:
    with behind_tls() as host:
        told = asker(config(endpoint=f"https://{host}/v1", api_key="sk-1"))(QUESTION)

    assert isinstance(told, Refusal)
    assert told.reason == f"{host} shows no certificate that is trusted"


def test_a_name_that_nobody_knows_is_told_of() -> None:
    where = ConnectionKey("no.example", 443, True, True, None, None, None)
    error = aiohttp.ClientConnectorDNSError(where, OSError(-2, "Name or service not known"))

    told = _in_the_way(error)

    assert told == "is a name that nobody knows"
