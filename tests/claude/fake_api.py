"""The Messages API on loopback, with a script instead of a model."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeApi:
    """Answers each request with the next turn of the script: a list of content blocks, or a text. A context manager.

    heard: what the model was told since its last turn, as text, for each turn."""

    def __init__(self, turns: Sequence[Any], pace_s: float = 0.0) -> None:
        """pace_s: seconds that the model takes for a turn."""
        self._pace_s = pace_s
        self._turns = [[{"type": "text", "text": turn}] if isinstance(turn, str) else turn for turn in turns]
        self.heard: list[str] = []
        self._count = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args: Any) -> None:
                return

            def do_GET(self) -> None:
                self.send({})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
                if "count_tokens" in self.path:
                    self.send({"input_tokens": 1})
                elif self.path.startswith("/v1/messages"):
                    message = api.answer(body)
                    self.stream(message) if body.get("stream") else self.send(message)
                else:
                    self.send({})

            def send(self, value: Any) -> None:
                self._write(json.dumps(value).encode(), "application/json")

            def stream(self, message: dict[str, Any]) -> None:
                lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events_of(message)]
                self._write("".join(lines).encode(), "text/event-stream")

            def _write(self, data: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)

    def __enter__(self) -> FakeApi:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        content: list[dict[str, Any]] = [{"type": "text", "text": "A title"}]
        if body.get("tools"):  # other requests ask for a title and the like
            time.sleep(self._pace_s)
            self.heard.append(json.dumps(body["messages"][-1]["content"]))
            content = self._turns.pop(0) if self._turns else [{"type": "text", "text": "Nothing more."}]
        for place, block in enumerate(content):
            if block["type"] == "tool_use":
                block.setdefault("id", f"toolu_{self._count}_{place}")
        ends = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
        return {
            "id": f"msg_{self._count}", "type": "message", "role": "assistant", "model": body.get("model"),
            "content": content, "stop_reason": ends, "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }  # fmt: skip


def events_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message as the events of a stream."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        events += [
            {"type": "content_block_start", "index": index, "content_block": empty},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    return [*events, {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]
