"""One chat request to an endpoint that may do anything: refuse, stall, stumble, babble, flood or hang up.

The request runs in an event loop of its own, so that a deadline ends it wherever it is, and a cancelled one stops at
once. What is worth another try (429, 5xx, a lost connection, a garbled body) gets it after a pause, the one that the
endpoint asks for where it asks for one; what is not (401, 404, a redirect) ends the judging with one plain line.
httpx is imported with the first request.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from labels.judge.answer import BadAnswer
from labels.judge.config import JudgeConfig, is_loopback
from labels.redaction import redact
from sessions.errors import UserError
from sessions.jsontext import BadJson, dump_bytes, loads

#: Bytes of a response that are read; an answer takes thousands.
MOST_BYTES = 2_000_000
#: How often a request that waits looks whether it was cancelled, in seconds.
_LOOK_S = 0.1
#: Longest pause between two tries, and longest that an endpoint may ask for.
_LONGEST_PAUSE_S, _LONGEST_ASKED_S = 60.0, 120.0
_AGAIN = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))


class EndpointError(UserError):
    """The endpoint cannot be used as things are: there is no sense in asking on."""


class Cancelled(Exception):
    """The caller wants no answer any more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint answered. tokens_in, tokens_out: as it counts, None where it does not say. cut: the answer was
    as long as it may be, so there may be more."""

    text: str
    tokens_in: int | None
    tokens_out: int | None
    cut: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. temperature: None leaves it to the endpoint. on_lost: called when a request that was sent brings no
    reply, once for each: it may have been billed."""

    messages: list[dict[str, str]]
    schema: dict[str, Any]
    max_output: int
    temperature: float | None = 0.0
    on_lost: Callable[[], None] = lambda: None


class _Again(Exception):
    """Worth another try. pause: seconds that the endpoint asks for. sent: the request may have been worked on."""

    def __init__(self, reason: str, pause: float | None = None, *, sent: bool = False) -> None:
        super().__init__(reason)
        self.pause = pause
        self.sent = sent


class _Changed(Exception):
    """The endpoint does not take a part of the request; it was taken out."""


@dataclass(slots=True)
class Client:
    """Sends requests, one at a time. What an endpoint turns out not to know (a schema, a temperature, the older name of
    the limit) is left out from then on."""

    config: JudgeConfig
    key: str = ""
    cancelled: Callable[[], bool] = lambda: False
    #: Waiting is said, so that nobody takes it for hanging.
    on_wait: Callable[[str, float], None] = lambda reason, seconds: None
    _without: set[str] = field(default_factory=set)

    def ask(self, request: Request) -> Reply:
        """The endpoint's reply. Raises EndpointError, BadAnswer (a reply came, and it is none), Cancelled."""
        return asyncio.run(self._watched(request))

    async def _watched(self, request: Request) -> Reply:
        task = asyncio.ensure_future(self._ask(request))
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=_LOOK_S)
                if done:
                    return task.result()
                if self.cancelled():
                    raise Cancelled
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask(self, request: Request) -> Reply:
        end = time.monotonic() + self.config.deadline_s
        async with self._http() as http:
            tries = 0
            while True:
                try:
                    async with asyncio.timeout(max(0.0, end - time.monotonic())):
                        return await self._once(http, request)
                except TimeoutError:
                    request.on_lost()
                    raise EndpointError(
                        f"{self.config.host} gave no answer within {self.config.deadline_s:g} s.", _LATER
                    ) from None
                except _Changed:
                    continue
                except _Again as error:
                    if error.sent:
                        request.on_lost()
                    tries += 1
                    await self._pause(error, tries, end)

    def _http(self) -> Any:
        """A client for one request. What is on this machine is not asked for through a proxy."""
        import httpx

        host = urlsplit(self.config.url).hostname or ""
        try:
            return httpx.AsyncClient(
                timeout=self.config.timeout_s, follow_redirects=False, trust_env=not is_loopback(host)
            )
        except (ValueError, OSError, ImportError) as error:  # what the environment says of proxies and certificates
            raise EndpointError(
                f"the connection cannot be set up ({_reason(error)}).", "Check the proxy and certificate variables."
            ) from None

    async def _pause(self, error: _Again, tries: int, end: float) -> None:
        """Wait before the next try; raises EndpointError where there is none."""
        if tries > self.config.retries:
            raise EndpointError(f"{self.config.host} {error} ({tries} tries).", _LATER)
        grown = min(_LONGEST_PAUSE_S, self.config.backoff_s * 2 ** (tries - 1))
        pause = grown * random.uniform(0.75, 1.25) if error.pause is None else error.pause  # noqa: S311
        if pause > _LONGEST_ASKED_S or time.monotonic() + pause > end:
            raise EndpointError(f"{self.config.host} {error} and asks to wait {pause:.0f} s.", _LATER)
        self.on_wait(str(error), pause)
        await asyncio.sleep(pause)

    # -- one try --------------------------------------------------------------------------------------------------

    async def _once(self, http: Any, request: Request) -> Reply:
        import httpx

        sent = False
        try:
            async with http.stream(
                "POST", self.config.url, content=self._body(request), headers=self._headers()
            ) as response:
                sent = True
                body = await self._read(response)
        except httpx.TimeoutException as error:
            connected = not isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout))
            raise _Again(f"was silent for {self.config.timeout_s:g} s", sent=connected) from None
        except httpx.ConnectError as error:
            raise _Again(f"cannot be reached ({_reason(error)})") from None
        except httpx.TransportError as error:
            raise _Again(f"broke off ({_reason(error)})", sent=True) from None
        except httpx.InvalidURL as error:
            raise EndpointError(
                f"{self.config.host} cannot be asked ({_reason(error)}).", "Check --endpoint."
            ) from None
        except httpx.DecodingError:
            raise _Again("sent a body that cannot be unpacked", sent=sent) from None
        if response.status_code != 200:
            self._refused(response, body)
        return _reply(body)

    async def _read(self, response: Any) -> bytes:
        """The body, as far as it goes; one that does not end is not waited for."""
        body = bytearray()
        async for chunk in response.aiter_bytes(65_536):
            body += chunk
            if len(body) > MOST_BYTES:
                raise BadAnswer(f"the answer is longer than {MOST_BYTES:,} bytes")
        return bytes(body)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "review-tui"}
        if self.key:
            bearer = self.config.key_header.lower() == "authorization"
            headers[self.config.key_header] = f"Bearer {self.key}" if bearer else self.key
        return headers

    def _body(self, request: Request) -> bytes:
        limit = "max_completion_tokens" if "max_tokens" in self._without else "max_tokens"
        body: dict[str, Any] = {"model": self.config.model, "messages": request.messages, limit: request.max_output}
        if request.temperature is not None and "temperature" not in self._without:
            body["temperature"] = request.temperature
        if self.config.json_schema and "response_format" not in self._without:
            described = {"name": "modes", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        return dump_bytes(body)

    def _refused(self, response: Any, body: bytes) -> None:
        """Anything but a reply, by its status: always raises."""
        status, host = response.status_code, self.config.host
        said = self._said(body)
        because = f": {said}" if said else ""
        if status in (400, 422):
            self._adapt(said.lower())
            hint = (
                "Send less at once with --window, or ask for less with --max-output."
                if _about_length(said)
                else "Check model and settings."
            )
            raise EndpointError(f"{host} did not take the request ({status}){because}.", hint)
        if status in (401, 403):
            raise EndpointError(
                f"{host} refuses the key ({status}){because}.", f"The key is read from ${self.config.key_env}."
            )
        if 300 <= status < 400:
            target = urlsplit(response.headers.get("location", "")).netloc.rpartition("@")[2] or "elsewhere"
            raise EndpointError(
                f"{host} redirects to {target[:100]}; a run is sent to no other place than the one named.",
                "Name the right endpoint.",
            )
        if status in _AGAIN:
            raise _Again(f"answered {status}{because}", _asked_pause(response.headers.get("retry-after")))
        hint = "Check the endpoint's URL and the model's name." if status in (404, 405) else _LATER
        raise EndpointError(f"{host} answered {status}{because}.", hint)

    def _adapt(self, said: str) -> None:
        """Take out what the endpoint complains of, and try again: raises _Changed while there is something."""
        for name, words in _OPTIONAL.items():
            if name not in self._without and any(word in said for word in words):
                self._without.add(name)
                raise _Changed
        known = self.config.json_schema and "response_format" not in self._without
        if known and not _about_length(said):  # many endpoints say no more than "bad request"
            self._without.add("response_format")
            raise _Changed

    def _said(self, body: bytes) -> str:
        """The endpoint's own words, on one line, without the key (some repeat it) or anything like one."""
        try:
            value = loads(body[:100_000])
        except BadJson:
            return ""
        error = value.get("error", value) if isinstance(value, dict) else value
        message = error.get("message", error.get("detail")) if isinstance(error, dict) else error
        if not isinstance(message, str):
            return ""
        text = message.replace(self.key, "[key]") if self.key else message
        return " ".join(redact(text[:2_000]).text.split())[:200].rstrip(".")


_LATER = "What was answered so far is kept: call again later, only the rest is sent."
_OPTIONAL = {
    "temperature": ("temperature",),
    "max_tokens": ("max_completion_tokens", "max_tokens' is not supported"),
    "response_format": ("response_format", "json_schema", "json schema", "structured output", "guided"),
}


def _about_length(said: str) -> bool:
    said = said.lower()
    return "context" in said or "too long" in said or "too large" in said or "maximum" in said


def _asked_pause(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    if not value:
        return None
    try:
        return max(0.0, min(float(value), 1e6))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _reason(error: Exception) -> str:
    return (str(error).split("\n")[0] or type(error).__name__)[:120]


def _reply(body: bytes) -> Reply:
    """A chat completion's answer. Raises _Again for a body that is none, BadAnswer for an answer that is empty."""
    try:
        value = loads(body)
    except BadJson:
        raise _Again("sent a body that is no JSON", sent=True) from None
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise _Again("sent JSON that is no chat completion", sent=True)
    usage = value.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Reply(
        text=_content(message),
        tokens_in=_count(counts.get("prompt_tokens")),
        tokens_out=_count(counts.get("completion_tokens")),
        cut=choice.get("finish_reason") == "length",
    )


def _content(message: dict[str, Any]) -> str:
    """The text of a message: a string, or a list of parts of which some are text. "" where there is none."""
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _count(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return int(value) if good else None
