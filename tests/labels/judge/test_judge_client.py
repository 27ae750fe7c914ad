"""The endpoint's faults, one by one, against a real server on the loopback interface."""

from __future__ import annotations

import json
import threading
import time
from email.utils import formatdate

import judge_server as does
import pytest
from judge_server import Endpoint

from labels.judge.answer import BadAnswer
from labels.judge.client import MOST_BYTES, Cancelled, Client, EndpointError, Reply, Request
from labels.judge.config import JudgeConfig

MESSAGES = [{"role": "system", "content": "rules"}, {"role": "user", "content": "## a-mode\n\nThe run:\n\n..."}]
KEY = "the-secret-key-9"
GOOD = does.text("fine")


class Asked:
    """A client, what it waited for, and how many requests it gave up on."""

    def __init__(self, server: Endpoint, **settings: object) -> None:
        settings = {"endpoint": server.url, "model": "m", "backoff_s": 0.01, "timeout_s": 5.0, **settings}
        self.waits: list[tuple[str, float]] = []
        self.lost = 0
        self.client = Client(JudgeConfig(**settings), KEY, on_wait=lambda *wait: self.waits.append(wait))

    def ask(self, **more: object) -> Reply:
        def lose() -> None:
            self.lost += 1

        return self.client.ask(Request(MESSAGES, {"type": "object"}, 100, on_lost=lose, **more))

    def fails(self) -> EndpointError:
        with pytest.raises(EndpointError) as caught:
            self.ask()
        assert KEY not in str(caught.value)
        assert "\n" not in str(caught.value)
        return caught.value


def test_a_good_answer(server: Endpoint) -> None:
    server.script(does.text("hello", usage=(7, 3)))
    assert Asked(server).ask() == Reply("hello", 7, 3, cut=False)
    sent = server.bodies[0]
    assert (sent["model"], sent["messages"], sent["max_tokens"], sent["temperature"]) == ("m", MESSAGES, 100, 0.0)
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_another_header_carries_the_bare_key(server: Endpoint) -> None:
    Asked(server, key_header="api-key").ask()
    assert server.headers[0]["api-key"] == KEY
    assert "Authorization" not in server.headers[0]


def test_429_is_waited_out_as_long_as_the_endpoint_asks(server: Endpoint) -> None:
    server.script(does.status(429, "slow down", Retry_After="0.3"), GOOD)
    asked = Asked(server)
    begun = time.monotonic()
    assert asked.ask().text == "fine"
    assert time.monotonic() - begun >= 0.3
    assert asked.waits == [("answered 429: slow down", 0.3)]
    assert asked.lost == 0


def test_a_retry_after_date_is_understood(server: Endpoint) -> None:
    server.script(does.status(503, None, Retry_After=formatdate(time.time() + 1, usegmt=True)), GOOD)
    asked = Asked(server)
    assert asked.ask().text == "fine"
    assert 0 <= asked.waits[0][1] <= 1


def test_a_wait_of_hours_is_not_waited(server: Endpoint) -> None:
    server.script(does.status(429, None, Retry_After="7200"))
    begun = time.monotonic()
    assert "asks to wait 7200 s" in str(Asked(server).fails())
    assert time.monotonic() - begun < 3


def test_500s_are_tried_again_and_then_given_up(server: Endpoint) -> None:
    server.script(*[does.status(500, "oops")] * 2, GOOD)
    assert Asked(server).ask().text == "fine"
    server.otherwise(does.status(500, "oops"))
    assert "answered 500: oops (5 tries)" in str(Asked(server).fails())
    assert len(server.bodies) == 3 + 5


def test_silence_ends_and_is_counted_as_possibly_billed(server: Endpoint) -> None:
    server.script(does.silent, GOOD)
    asked = Asked(server, timeout_s=0.2)
    assert asked.ask().text == "fine"
    assert asked.lost == 1


def test_a_reply_that_drips_meets_the_deadline(server: Endpoint) -> None:
    server.otherwise(does.drip)
    asked = Asked(server, deadline_s=0.6)
    begun = time.monotonic()
    assert "no answer within 0.6 s" in str(asked.fails())
    assert time.monotonic() - begun < 5
    assert asked.lost == 1


def test_a_flood_is_not_read_to_its_end(server: Endpoint) -> None:
    server.script(does.flood)
    with pytest.raises(BadAnswer, match=f"longer than {MOST_BYTES:,}"):
        Asked(server).ask()


@pytest.mark.parametrize(
    "fault",
    [does.hang_up, does.truncated, does.body(b"<html>busy</html>"), does.body(b"[]"), does.body(b'{"choices": []}'),
     does.body(b"\xff\xfe\x00"), does.body(b'{"choices":[{"message": "x"}]}'), does.body(b"[" * 100_000)],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_reply_is_asked_for_again(server: Endpoint, fault: does.Behaviour) -> None:
    server.script(fault, GOOD)
    asked = Asked(server)
    assert asked.ask().text == "fine"
    assert asked.lost == 1
    server.otherwise(fault)
    assert "5 tries" in str(asked.fails())


@pytest.mark.parametrize(
    ("content", "text"),
    [("a", "a"), ([{"type": "text", "text": "a"}, {"type": "x"}, 3, {"text": "b"}], "ab"), (None, ""), (7, "")],
)
def test_content_in_all_its_forms(server: Endpoint, content: object, text: str) -> None:
    server.script(does.text(content, usage=None))
    assert Asked(server).ask() == Reply(text, None, None, cut=False)


@pytest.mark.parametrize("usage", [("many", -1), (True, None), (10**12, 1.5)])
def test_a_count_that_cannot_be_is_no_count(server: Endpoint, usage: object) -> None:
    server.script(does.text("a", usage=usage))
    assert Asked(server).ask() == Reply("a", None, None, cut=False)


def test_401_says_where_the_key_is_read_from_and_repeats_it_not(server: Endpoint) -> None:
    server.script(does.status(401, f"Incorrect API key provided: {KEY}. See https://h/keys"))
    error = Asked(server).fails()
    assert "refuses the key (401): Incorrect API key provided: [key]" in error.message
    assert "$REVIEW_TUI_JUDGE_KEY" in error.hint
    assert len(server.bodies) == 1


def test_an_endpoints_words_are_redacted_and_short(server: Endpoint) -> None:
    server.script(does.status(404, "no model for ann@a.org \x1b[31m" + "x" * 5000))
    error = Asked(server).fails()
    assert "ann@a.org" not in str(error)
    assert len(str(error)) < 500


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(server: Endpoint, code: int) -> None:
    with does.endpoint() as other:
        server.script(does.status(code, None, Location=f"{other.url}/chat/completions"))
        assert "redirects to 127.0.0.1" in str(Asked(server).fails())
        assert other.bodies == []
    assert len(server.bodies) == 1


def test_a_parameter_that_the_endpoint_does_not_know_is_left_out_from_then_on(server: Endpoint) -> None:
    server.script(
        does.status(400, "Unsupported value: 'temperature' does not support 0"),
        does.status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        does.status(422, "response_format json_schema is not supported"),
        GOOD,
    )
    asked = Asked(server)
    assert asked.ask().text == "fine"
    assert asked.ask().text != ""
    for body in server.bodies[3:]:
        assert body.keys() == {"model", "messages", "max_completion_tokens"}


def test_a_bare_bad_request_is_tried_once_without_the_schema(server: Endpoint) -> None:
    server.script(does.status(400, "bad request"), GOOD)
    assert Asked(server).ask().text == "fine"
    assert "response_format" not in server.bodies[1]
    server.otherwise(does.status(400, "bad request"))
    assert "did not take the request (400)" in str(Asked(server).fails())


def test_a_request_that_is_too_long_says_what_to_do(server: Endpoint) -> None:
    server.otherwise(does.status(400, "This model's maximum context length is 8192 tokens"))
    assert "--window" in Asked(server).fails().hint
    assert len(server.bodies) == 1


def test_nobody_there() -> None:
    with does.endpoint() as gone:
        url = gone.url
    client = Client(JudgeConfig(endpoint=url, model="m", backoff_s=0.0, retries=1))
    with pytest.raises(EndpointError, match="cannot be reached"):
        client.ask(Request(MESSAGES, {}, 10))


def test_cancelling_ends_a_request_that_waits(server: Endpoint) -> None:
    server.otherwise(does.silent)
    stop = threading.Event()
    client = Client(JudgeConfig(endpoint=server.url, model="m"), cancelled=stop.is_set)
    threading.Timer(0.3, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        client.ask(Request(MESSAGES, {}, 10))
    assert time.monotonic() - begun < 5


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert Asked(server).ask().text == json.dumps({"modes": [{"mode": "a-mode", "claims": [], "verdict": "no"}]})
