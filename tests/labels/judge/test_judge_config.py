"""Settings: where they come from, what outweighs what, and what cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labels.judge.config import PREFIX, JudgeConfig, chat_url, load_config
from labels.judge.cost import Budget, CapReached, dollars, estimate_tokens
from sessions.errors import UsageError, UserError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "judge.toml"
    path.write_text(text)
    return path


def test_options_outweigh_the_environment_and_that_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toml(tmp_path, '[judge]\nmodel = "file"\nvotes = 3\nprice_in = 1\nprice_out = 2.5\njson_schema = false\n')
    monkeypatch.setenv("REVIEW_TUI_JUDGE_MODEL", "environment")
    monkeypatch.setenv("REVIEW_TUI_JUDGE_CAP_TOKENS", "1000")
    monkeypatch.setenv("REVIEW_TUI_JUDGE_ALLOW_HTTP", "yes")
    config = load_config({"cap_tokens": 7, "endpoint": "http://judge.lan:8000/v1", "votes": None}, path)
    assert (config.model, config.cap_tokens, config.votes, config.price_out) == ("environment", 7, 3, 2.5)
    assert (config.json_schema, config.allow_http) == (False, True)
    assert config.url == "http://judge.lan:8000/v1/chat/completions"
    monkeypatch.setenv("REVIEW_TUI_JUDGE_CONFIG", str(path))
    assert load_config({}).votes == 3


def test_without_anything_there_is_no_endpoint() -> None:
    assert load_config({}) == JudgeConfig()
    assert JudgeConfig().endpoint == ""


def test_the_key_is_read_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " abc ")
    assert JudgeConfig(key_env="MY_KEY").key() == "abc"
    assert JudgeConfig().key() == ""
    monkeypatch.setenv("MY_KEY", "a\nb: c")
    with pytest.raises(UserError):
        JudgeConfig(key_env="MY_KEY").key()
    monkeypatch.setenv("REVIEW_TUI_JUDGE_KEY", "sk-1")
    assert "sk-1" not in repr(load_config({}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key = 'sk-1'", "never a setting"),
        ("colour = 1", "no such setting"),
        ("votes = 2", "1 or 3"),
        ("votes = true", "1 or 3"),
        ("overlap = 0.9", "number from 0 to 0.5"),
        ("window_tokens = 10", "from 1000"),
        ("window_tokens = 2000.5", "whole number"),
        ("price_in = 'cheap'", "number"),
        ("allow_http = 1", "true or false"),
        ("model = 'a\\nb'", "one line"),
        ('model = "a\\nb"', "one line"),
        ("key_header = 'a b'", "cannot be"),
        ("endpoint = 'host/v1'", "no endpoint"),
        ("judge = 1", "no table"),
        ("cap_usd = 1", "needs the model's prices"),
        ("model = ", "no TOML"),
    ],
)
def test_what_cannot_be_says_so_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    if text == "model = 'a\\nb'":
        text = "model = '''a\nb'''"
    with pytest.raises(UserError) as caught:
        load_config({}, toml(tmp_path, text))
    assert said in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e30", "x"])
def test_numbers_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REVIEW_TUI_JUDGE_CAP_TOKENS", value)
    with pytest.raises(UsageError, match="REVIEW_TUI_JUDGE_CAP_TOKENS"):
        load_config({})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        load_config({}, tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://h/v1", "https://h/v1/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/d/m?api-version=2", "https://h/d/m/chat/completions?api-version=2"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1/chat/completions"),
        ("http://[::1]:8000", "http://[::1]:8000/chat/completions"),
    ],
)
def test_endpoints(endpoint: str, url: str) -> None:
    assert chat_url(endpoint) == url


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "h",
        "ftp://h/v1",
        "file:///etc/passwd",
        "https://",
        "http://h/v1",
        "https://me:pw@h/v1",
        "https://h:99999/v1",
    ],
)
def test_no_endpoints(endpoint: str) -> None:
    with pytest.raises(UsageError) as caught:
        chat_url(endpoint)
    assert "pw" not in str(caught.value)


def test_tokens_are_estimated_by_characters() -> None:
    assert [estimate_tokens(text) for text in ("", "abcd", "abcde", "日本語", "aé")] == [0, 1, 2, 3, 2]


def test_an_estimate_that_was_too_low_raises_the_next() -> None:
    budget = Budget(JudgeConfig(cap_tokens=10_000))
    budget.admit(4_000, 1_000)
    budget.add(4_000, 6_000, 100, "")
    with pytest.raises(CapReached, match="6,100 used"):
        budget.admit(2_000, 1_000)


def test_dollars() -> None:
    assert [dollars(amount) for amount in (None, 0.00123, 12.3456)] == ["price unknown", "$0.0012", "$12.35"]
