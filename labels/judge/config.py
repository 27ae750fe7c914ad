"""The judge's settings: from options, the environment (`REVIEW_TUI_JUDGE_*`) and a TOML file, in this order of weight.

The key is never a setting: only the name of the environment variable that holds it is, so that no file, command line or
database has it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sessions.errors import UsageError, UserError

PREFIX = "REVIEW_TUI_JUDGE_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
KEY_VARIABLE = f"{PREFIX}KEY"


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """How to judge.

    endpoint: base URL (`https://host/v1`) or the URL of the chat completions themselves; "" where none was named.
    key_env: name of the environment variable with the key. key_header: the header that carries it; any other than
        Authorization carries the bare key. allow_http: send unencrypted to another machine.
    price_in, price_out: US dollars for a million tokens; None where unknown.
    cap_usd, cap_tokens: for everything sent in one call of the command. run_cap_usd, run_cap_tokens: for each run.
    window_tokens: of the run, for one request. overlap: share of a window that the next one repeats. part_chars: a part
        of a step that is longer is sent without its middle; 0 sends all.
    votes: 1, or 3 on modes that are fatal or about which the model is not sure.
    max_output: tokens of one answer. json_schema: ask the endpoint to hold the answer to a schema.
    timeout_s: without a byte from the endpoint; deadline_s: for one request with all its retries.
    """

    endpoint: str = ""
    model: str = ""
    key_env: str = KEY_VARIABLE
    key_header: str = "Authorization"
    allow_http: bool = False
    price_in: float | None = None
    price_out: float | None = None
    cap_usd: float | None = None
    cap_tokens: int | None = None
    run_cap_usd: float | None = None
    run_cap_tokens: int | None = None
    window_tokens: int = 60_000
    overlap: float = 0.1
    part_chars: int = 20_000
    votes: int = 1
    max_output: int = 4_000
    json_schema: bool = True
    timeout_s: float = 120.0
    deadline_s: float = 600.0
    retries: int = 4
    backoff_s: float = 1.0

    @property
    def url(self) -> str:
        """Where requests go. Raises UsageError for what is no URL, or not one to send a run to."""
        return chat_url(self.endpoint, allow_http=self.allow_http)

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    @property
    def detector(self) -> str:
        """The id of this judge among the detectors."""
        return f"judge:{self.model}"

    def key(self) -> str:
        """The key, "" where the variable is not set: endpoints on one's own machine want none."""
        key = os.environ.get(self.key_env, "").strip()
        if not key.isascii() or not key.isprintable():
            raise UserError(f"${self.key_env} holds characters that no key has.", "Set it anew.")
        return key

    def cost(self, tokens_in: int, tokens_out: int) -> float | None:
        """US dollars, None without prices."""
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


_Range = tuple[float, float]
_RANGES: Mapping[str, _Range] = {
    "price_in": (0, 1e6), "price_out": (0, 1e6), "cap_usd": (0, 1e9), "cap_tokens": (0, 1e12),
    "run_cap_usd": (0, 1e9), "run_cap_tokens": (0, 1e12), "window_tokens": (1_000, 10_000_000), "overlap": (0, 0.5),
    "part_chars": (0, 1e9), "max_output": (100, 1_000_000), "timeout_s": (0.05, 3_600), "deadline_s": (0.05, 86_400),
    "retries": (0, 20), "backoff_s": (0, 600),
}  # fmt: skip
_WHOLE = {"cap_tokens", "run_cap_tokens", "window_tokens", "part_chars", "votes", "max_output", "retries"}


def load_config(options: Mapping[str, Any], path: Path | None = None) -> JudgeConfig:
    """The settings that hold. options: those that were given (None: not given). path: a TOML file, or that of
    $REVIEW_TUI_JUDGE_CONFIG. Raises UserError for a file that cannot be read, UsageError for a value that cannot be."""
    named = path or (Path(text).expanduser() if (text := os.environ.get(CONFIG_VARIABLE)) else None)
    values = _from_file(named) if named else {}
    values |= _from_environment()
    values |= {name: _checked(name, value, f"--{name.replace('_', '-')}") for name, value in options.items()
               if value is not None}  # fmt: skip
    config = JudgeConfig(**values)
    if config.endpoint:
        _ = config.url
    capped = config.cap_usd is not None or config.run_cap_usd is not None
    if capped and config.cost(0, 0) is None:
        raise UsageError(
            "a cap in money needs the model's prices.",
            "Give price_in and price_out (US dollars for a million tokens), or a cap in tokens.",
        )
    return config


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Check --config.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML: {str(error).splitlines()[0]}.", "Correct it.") from None
    table = content.get("judge", content)
    if not isinstance(table, dict):
        raise UserError(f"{path}: `judge` is no table.", "Write [judge] above the settings.")
    return {name: _checked(name, value, f"{path}: {name}") for name, value in table.items()}


def _from_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in fields(JudgeConfig):
        name = f"{PREFIX}{item.name.upper()}"
        if (text := os.environ.get(name, "").strip()) and name != KEY_VARIABLE:
            found[item.name] = _checked(item.name, _parsed(item.name, text), f"${name}")
    return found


def _parsed(name: str, text: str) -> Any:
    """A variable's text as the kind of value that the setting has."""
    if name in ("allow_http", "json_schema"):
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    if name in _RANGES or name == "votes":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _checked(name: str, value: Any, where: str) -> Any:
    """The value, of the right kind and within its range. where: what to call it in a message."""
    if name in ("key", "api_key", "token"):
        raise UsageError(
            f"{where}: the key itself is never a setting.",
            f"Put it into the environment as {KEY_VARIABLE}, or name another variable with key_env.",
        )
    check = _KINDS.get(name)
    if check is None:
        known = ", ".join(item.name for item in fields(JudgeConfig))
        raise UsageError(f"{where}: there is no such setting.", f"There are: {known}.")
    found = check(value)
    if found is None:
        raise UsageError(f"{where}: {str(value)[:80]!r} cannot be.", _expected(name))
    return found


def _expected(name: str) -> str:
    if name in _RANGES:
        low, high = _RANGES[name]
        return f"It is a {'whole number' if name in _WHOLE else 'number'} from {low:g} to {high:g}."
    if name == "votes":
        return "It is 1 or 3."
    if name in ("allow_http", "json_schema"):
        return "It is true or false."
    return "It is text on one line."


def _number(name: str) -> Callable[[Any], float | int | None]:
    low, high = _RANGES[name]

    def check(value: Any) -> float | int | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            return None
        if name not in _WHOLE:
            return float(value)
        return int(value) if value == int(value) else None

    return check


def _line(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip().isprintable() and len(value) <= 2_000 else None


def _header(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", value) else None


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    **{name: _number(name) for name in _RANGES},
    "endpoint": _line,
    "model": _line,
    "key_env": _line,
    "key_header": _header,
    "allow_http": lambda value: value if isinstance(value, bool) else None,
    "json_schema": lambda value: value if isinstance(value, bool) else None,
    "votes": lambda value: int(value) if value in (1, 3) and not isinstance(value, bool) else None,
}


def chat_url(endpoint: str, *, allow_http: bool = False) -> str:
    """The URL of an endpoint's chat completions. Raises UsageError."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{endpoint[:80]!r} is no endpoint.", "It looks like https://host/v1.")
    if parts.username is not None or parts.password is not None:
        raise UsageError("an endpoint's URL must not hold a name or password.", "Put the key into the environment.")
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise UsageError(
            f"http://{host} would get the run and the key unencrypted.",
            "Use https, or --allow-http in a network that you trust.",
        )
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions"
    return parts._replace(path=path, fragment="").geturl()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
