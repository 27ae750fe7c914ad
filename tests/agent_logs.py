"""Session files as Claude Code and Codex write them, line by line, for tests in which they grow."""

import json
from pathlib import Path

SESSION = "77777777-aaaa-4aaa-8aaa-777777777777"


class ClaudeLog:
    """A Claude Code session. Every method gives the line that was written."""

    def __init__(self, path: Path, session: str = SESSION, cwd: str = "/work", *, agent: str | None = None) -> None:
        """agent: of whose lines these are, for a sub-agent's file."""
        self.path, self.session, self.cwd, self.agent = path, session, cwd, agent
        self.count = 0
        self.last: str | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def line(self, kind: str, *, parent: str | None = "last", **fields) -> bytes:
        self.count += 1
        uuid = f"{self.agent or 'u'}-{self.count}"
        record = {
            "uuid": uuid, "parentUuid": self.last if parent == "last" else parent,
            "isSidechain": self.agent is not None, "sessionId": self.session, "version": "2.1.0", "cwd": self.cwd,
            "type": kind, "timestamp": f"2026-01-01T00:{self.count // 60:02d}:{self.count % 60:02d}.000Z", **fields,
        }  # fmt: skip
        if self.agent is not None:
            record["agentId"] = self.agent
        self.last = uuid
        data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with open(self.path, "ab") as file:
            file.write(data)
        return data

    def user(self, content, **fields) -> bytes:
        return self.line("user", message={"role": "user", "content": content}, **fields)

    def says(self, text: str, message: str | None = None) -> bytes:
        return self._agent([{"type": "text", "text": text}], message)

    def calls(self, call: str, command: str = "ls", name: str = "Bash", message: str | None = None, **given) -> bytes:
        arguments = given or {"command": command}
        return self._agent([{"type": "tool_use", "id": call, "name": name, "input": arguments}], message)

    def _agent(self, content, message: str | None) -> bytes:
        name = message or f"m{self.agent or ''}{self.count}"
        return self.line(
            "assistant", message={"id": name, "role": "assistant", "model": "claude-x", "content": content}
        )

    def result(self, call: str, content: str = "ok", error: bool = False) -> bytes:
        block = {"type": "tool_result", "tool_use_id": call, "content": content, "is_error": error}
        return self.user([block])

    def step(self, number: int, command: str | None = None, output: str = "ok") -> None:
        """A whole step: a call and its result."""
        self.calls(f"call-{number}", command or f"echo {number}")
        self.result(f"call-{number}", f"{output} {number}")


def codex_lines(steps: int, session: str = "s-1") -> list[bytes]:
    """A rollout with so many answered calls."""

    def record(kind: str, **payload) -> bytes:
        return json.dumps({"timestamp": "2026-01-01T00:00:01.000Z", "type": kind, "payload": payload}).encode() + b"\n"

    found = [
        record("session_meta", id=session, timestamp="2026-01-01T00:00:00.000Z", cwd="/w", cli_version="0.9"),
        record("response_item", type="message", role="user", content=[{"type": "input_text", "text": "Mend it."}]),
    ]
    for number in range(steps):
        arguments = json.dumps({"cmd": f"echo {number}"})
        found.append(
            record(
                "response_item", type="function_call", name="exec_command", arguments=arguments, call_id=f"c{number}"
            )
        )
        found.append(record("response_item", type="function_call_output", call_id=f"c{number}", output=f"out {number}"))
        found.append(record("event_msg", type="token_count", info=None))
    return found
