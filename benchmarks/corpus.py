"""Runs to measure with, made from a seed and kept in the temporary folder: real prose and code, real lengths.

Texts are pieces of Python's own manual (`pydoc_data.topics`) and library sources, so their words, line lengths and
compressibility are real. Lengths are log-normal with a median of a few hundred characters and a long tail; two of a
hundred texts hold Chinese, Japanese or emoji. The same seed gives the same bytes under the same Python.
"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

STEPS = 100_000
MEGABYTES = 100
VERSION = "4"
#: A word that stands in exactly one step, at nine tenths of each run.
NEEDLE = "quokkaphone"
GIANT_LINES = 60_000
_LIBRARY = ("argparse", "ast", "asyncio.base_events", "datetime", "decimal", "doctest", "inspect", "pathlib", "pickle",
            "subprocess", "tarfile", "turtle", "typing", "unittest.mock", "zipfile", "xml.dom.minidom")  # fmt: skip
_WIDE = (
    "デプロイは失敗しました。ログを確認してください。",
    "服务已重新启动，但错误率仍然很高。请回滚到上一个版本。",
    "✅ tests pass 🎉 but 👩‍💻 noticed a ⚠️ in the logs",
    "배포가 완료되었지만 지연 시간이 증가했습니다.",
)
_COMMANDS = ("git status --short", "ls -la src/", "kubectl get pods -n prod", "python -m pytest -q tests/unit",
             "rm -rf build && make", "grep -rn 'timeout' --include='*.py' .", "sed -i 's/a/b/' config.yaml",
             "curl -s https://api.internal/health | jq .status", "cat src/main.py")  # fmt: skip

Line = dict[str, Any]


class Texts:
    """Pieces of real text of wanted lengths."""

    def __init__(self, seed: int) -> None:
        from pydoc_data.topics import topics

        self.random = random.Random(seed)
        self.prose = "\n\n".join(topics[name] for name in sorted(topics))
        self.code = "\n".join(_source(name) for name in _LIBRARY)

    def piece(self, median: float, *, code: bool = False, most: int = 40_000) -> str:
        pool = self.code if code else self.prose
        length = min(most, max(12, int(self.random.lognormvariate(0, 1.15) * median)))
        start = pool.index("\n", self.random.randrange(len(pool) - length - 1000)) + 1
        text = pool[start : start + length].strip()
        if self.random.random() < 0.02:
            text = f"{text[: length // 2]}\n{self.random.choice(_WIDE)}\n{text[length // 2 :]}"
        return text or "ok"

    def long(self, characters: int) -> str:
        pool = self.code
        return (pool * (characters // len(pool) + 1))[:characters]


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text("utf-8")


def folder() -> Path:
    """Where the files are kept between runs of the benchmark."""
    name = f"review-tui-bench-{os.getuid()}-{VERSION}-py{sys.version_info[0]}{sys.version_info[1]}"
    made = Path(tempfile.gettempdir()) / name
    made.mkdir(mode=0o700, exist_ok=True)
    return made


def corpus(shape: str, *, steps: int = STEPS, megabytes: float = MEGABYTES, seed: int = 1) -> Path:
    """A run in one of SHAPES, about so large. Made once."""
    path = folder() / f"{shape}-{steps}-{megabytes:g}MB-{seed}.jsonl"
    if not path.exists():
        texts = Texts(seed)
        per_step = megabytes * 1e6 / steps
        _write(path, SHAPES[shape](texts, steps, per_step))
    return path


def giant_step() -> Path:
    """A run of 400 steps whose second has a tool result of 60,000 lines (4.7 MB)."""
    line = "2026-11-22T18:14:{:02d} worker[{:05d}] GET /api/v1/orders/{:06d} status=200 ms={:03d}\n"
    made = folder() / "giant-step.jsonl"
    if not made.exists():
        rows = "".join(line.format(n % 60, n, n * 7 % 1_000_000, n % 997) for n in range(GIANT_LINES))
        _write(made, _with_result(rows + "x" * max(0, 4_700_000 - len(rows))))
    return made


def megabyte_message() -> Path:
    """A run of 400 steps whose second is one message of 1 MB in some 25,000 lines of code."""
    made = folder() / "megabyte-message.jsonl"
    if not made.exists():
        _write(made, _with_text(Texts(5).long(1_000_000)))
    return made


def _write(path: Path, lines: Iterator[Line]) -> None:
    draft = path.with_suffix(".draft")
    with open(draft, "wb", buffering=1 << 20) as file:
        for line in lines:
            file.write(orjson.dumps(line))
            file.write(b"\n")
    draft.rename(path)


# -- shapes -------------------------------------------------------------------------------------------------------


def _time(number: int) -> str:
    minutes, seconds = divmod(number, 60)
    return f"2026-11-{1 + minutes // 1440 % 28:02d}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds:02d}.000Z"


def _needle(number: int, steps: int, text: str) -> str:
    return f"{text}\nThe {NEEDLE} rang once." if number == steps * 9 // 10 else text


def claude_code(texts: Texts, steps: int, per_step: float) -> Iterator[Line]:
    """Nearly every second step calls a tool, whose result is a line of its own. A prompt every 40 steps."""
    pick = texts.random
    share = max(60.0, (per_step - 730) / 1.85)
    parent: str | None = None

    def line(kind: str, number: int, message: Line) -> Line:
        nonlocal parent
        uuid = f"{pick.getrandbits(128):032x}"
        before, parent = parent, uuid
        return {
            "parentUuid": before, "isSidechain": False, "userType": "external", "cwd": "/srv/shop", "version": "2.1.4",
            "sessionId": "0b8f5a1e-7c1d-4f0a-9a53-0d5c3c3e1f00", "gitBranch": "main", "type": kind, "message": message,
            "uuid": uuid, "timestamp": _time(number),
        }  # fmt: skip

    for number in range(steps):
        if number % 40 == 0:
            text = _needle(number, steps, texts.piece(share))
            yield line("user", number, {"role": "user", "content": text})
            continue
        blocks: list[Line] = [{"type": "text", "text": _needle(number, steps, texts.piece(share * 0.5))}]
        call = f"toolu_{pick.getrandbits(96):024x}" if pick.random() < 0.45 else None
        if call:
            command = {"command": pick.choice(_COMMANDS), "description": texts.piece(30, most=80)}
            blocks.append({"type": "tool_use", "id": call, "name": "Bash", "input": command})
        usage = {"input_tokens": 4, "cache_read_input_tokens": number, "output_tokens": 120}
        yield line("assistant", number, {"id": f"msg_{number:08d}", "type": "message", "role": "assistant",
                                         "model": "claude-opus-5", "content": blocks, "usage": usage})  # fmt: skip
        if call:
            result = {"type": "tool_result", "tool_use_id": call, "content": texts.piece(share, code=True)}
            if pick.random() < 0.03:
                result["is_error"] = True
            yield line("user", number, {"role": "user", "content": [result]})


def codex(texts: Texts, steps: int, per_step: float) -> Iterator[Line]:
    """A step is reasoning or a message, then a call and its output, each a line."""
    pick = texts.random
    share = max(60.0, (per_step - 500) / 3.3)

    def line(kind: str, number: int, payload: Line) -> Line:
        return {"timestamp": _time(number), "type": kind, "payload": payload}

    meta = {"id": "0199b2d4-0000-7000-8000-000000000000", "timestamp": _time(0), "cwd": "/srv/shop",
            "originator": "codex_cli_rs", "cli_version": "0.150.0", "instructions": None}  # fmt: skip
    yield line("session_meta", 0, meta)
    for number in range(steps):
        if number % 40 == 0:
            text = [{"type": "input_text", "text": _needle(number, steps, texts.piece(share))}]
            yield line("response_item", number, {"type": "message", "role": "user", "content": text})
            continue
        text = [{"type": "output_text", "text": _needle(number, steps, texts.piece(share * 0.5))}]
        yield line("response_item", number, {"type": "message", "role": "assistant", "content": text})
        call = f"call_{pick.getrandbits(96):024x}"
        arguments = orjson.dumps({"command": ["bash", "-lc", pick.choice(_COMMANDS)]}).decode()
        yield line("response_item", number, {"type": "function_call", "name": "shell", "arguments": arguments,
                                             "call_id": call})  # fmt: skip
        output = f"Exit code: {int(pick.random() < 0.03)}\nOutput:\n{texts.piece(share, code=True)}"
        yield line("response_item", number, {"type": "function_call_output", "call_id": call, "output": output})


def openai_chat(texts: Texts, steps: int, per_step: float) -> Iterator[Line]:
    """A message a line. Results of calls are lines too, so there are more lines than turns of the agent."""
    pick = texts.random
    share = max(60.0, (per_step - 120) / 2.9)
    number = 0
    while number < steps:
        number += 1
        if number % 40 == 1:
            yield {"role": "user", "content": _needle(number, steps, texts.piece(share))}
            continue
        message: Line = {"role": "assistant", "content": _needle(number, steps, texts.piece(share))}
        if pick.random() < 0.4:
            call = f"call_{pick.getrandbits(96):024x}"
            arguments = orjson.dumps({"command": pick.choice(_COMMANDS)}).decode()
            function = {"name": "bash", "arguments": arguments}
            message["tool_calls"] = [{"id": call, "type": "function", "function": function}]
            yield message
            yield {"role": "tool", "tool_call_id": call, "content": texts.piece(share, code=True)}
        else:
            yield message


SHAPES: dict[str, Callable[[Texts, int, float], Iterator[Line]]] = {
    "claude-code": claude_code,
    "codex": codex,
    "openai-chat": openai_chat,
}


def _with_result(text: str) -> Iterator[Line]:
    lines = list(claude_code(Texts(6), 400, 1000.0))
    for line in lines:
        content = line["message"]["content"]
        if isinstance(content, list) and content[0]["type"] == "tool_result":
            content[0]["content"] = text
            break
    yield from lines


def _with_text(text: str) -> Iterator[Line]:
    lines = list(openai_chat(Texts(7), 400, 1000.0))
    lines[1]["content"] = text
    yield from lines
