"""A chat endpoint on the loopback interface that does what it is told, and keeps all that it was sent."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What a request is answered with: it gets the handler and the request's body.
Behaviour = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.endpoint.take(self, data)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    endpoint: Endpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error here."""


class Endpoint:
    """bodies: of all requests, parsed. raw: as bytes. headers: of each."""

    def __init__(self) -> None:
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.endpoint = self
        self.bodies: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.stopping = threading.Event()
        self._script: list[Behaviour] = []
        self._otherwise: Behaviour = answer()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def script(self, *behaviours: Behaviour) -> None:
        """The next requests, one each; what comes after them is answered by `otherwise`."""
        self._script += behaviours

    def otherwise(self, behaviour: Behaviour) -> None:
        self._otherwise = behaviour

    def take(self, handler: Handler, data: bytes) -> None:
        self.raw.append(data)
        self.bodies.append(json.loads(data))
        self.headers.append(dict(handler.headers))
        behaviour = self._script.pop(0) if self._script else self._otherwise
        behaviour(handler, self.bodies[-1])

    @property
    def sent(self) -> str:
        """Everything that was sent, as one text."""
        return "\n".join(message["content"] for body in self.bodies for message in body["messages"])


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """A running endpoint."""
    found = Endpoint()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.stopping.set()
        found.server.shutdown()
        found.server.server_close()
        thread.join()


# -- what a request says -------------------------------------------------------------------------------------------


def asked_modes(body: dict[str, Any]) -> list[str]:
    """The slugs that a request asks for."""
    definitions = body["messages"][1]["content"].split("\n\nThe run:\n\n")[0]
    return re.findall(r"^## (\S+)$", definitions, re.MULTILINE)


def shown_run(body: dict[str, Any]) -> str:
    """The part of the run in a request."""
    return body["messages"][1]["content"].split("\n\nThe run:\n\n", 1)[1]


# -- what is answered ----------------------------------------------------------------------------------------------


def claim(step: int, quote: str, *, confidence: float = 0.9, first: int | None = None, last: int | None = None) -> Any:
    return {
        "quotes": [{"step": step, "quote": quote}],
        "why": f"step {step} shows it",
        "first_step": first or step,
        "last_step": last or step,
        "confidence": confidence,
    }


def modes(body: dict[str, Any], claims: dict[str, list[Any]]) -> dict[str, Any]:
    """An answer on all modes of a request: yes where there are claims."""
    return {
        "modes": [
            {"mode": slug, "claims": claims.get(slug, []), "verdict": "yes" if claims.get(slug) else "no"}
            for slug in asked_modes(body)
        ]
    }


def completion(content: Any, *, finish: str = "stop", usage: Any = (1000, 50)) -> bytes:
    """The body of a chat completion."""
    value: dict[str, Any] = {
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}]
    }
    if usage:
        value["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return json.dumps(value).encode()


def answer(claims: dict[str, list[Any]] | None = None, **more: Any) -> Behaviour:
    """A good answer with these claims, slug -> claims; "no" to all other modes."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.send(200, completion(json.dumps(modes(body, claims or {})), **more))

    return behave


def text(content: Any, **more: Any) -> Behaviour:
    """A completion with this content."""
    return lambda handler, body: handler.send(200, completion(content, **more))


def status(code: int, message: Any = None, **headers: str) -> Behaviour:
    """An error. message: the endpoint's words, or a whole body as bytes."""
    data = message if isinstance(message, bytes) else json.dumps({"error": {"message": message}}).encode()
    return lambda handler, body: handler.send(code, data, **headers)


def body(data: bytes) -> Behaviour:
    """200 with any bytes."""
    return lambda handler, _: handler.send(200, data)


def silent(handler: Handler, body: dict[str, Any]) -> None:
    """Nothing, until the test ends."""
    handler.server.endpoint.stopping.wait(30)
    handler.close_connection = True


def drip(handler: Handler, body: dict[str, Any]) -> None:
    """A byte now and then: no read times out, and nothing ever ends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.endpoint.stopping.is_set():
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            break
        time.sleep(0.05)
    handler.close_connection = True


def flood(handler: Handler, body: dict[str, Any]) -> None:
    """More and more of nothing."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        for _ in range(2000):
            handler.wfile.write(b" " * 65_536)
    except OSError:
        pass


def hang_up(handler: Handler, body: dict[str, Any]) -> None:
    """The connection is closed without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def truncated(handler: Handler, body: dict[str, Any]) -> None:
    """Half of the body that was announced."""
    data = completion("{}")
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data) * 2))
    handler.end_headers()
    handler.wfile.write(data)
    handler.close_connection = True
