"""Answers that are kept, so that none is paid for twice: an interrupted judging goes on where it stopped.

An answer's key is the hash of all that it depends on. It quotes the run (redacted), so it goes when the run does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from labels.judge import prompt
from labels.judge.client import Reply
from labels.judge.config import JudgeConfig
from sessions.catalog import RunInfo
from sessions.jsontext import canonical
from sessions.store import Store


def key_of(config: JudgeConfig, codebook_sha256: str, messages: list[dict[str, str]], params: Mapping[str, Any]) -> str:
    """Endpoint, model, version of the prompt, state of the codebook, the redacted text as sent, and parameters."""
    content = [config.url if config.endpoint else "", config.model, prompt.VERSION, codebook_sha256, messages, params]
    return sha256(canonical(content)).hexdigest()


def get(store: Store, key: str) -> str | None:
    """The answer's text, if it was given."""
    row = store.one("SELECT response FROM judge_call WHERE key = ?", [key])
    return str(row[0]) if row else None


def put(store: Store, run: RunInfo, key: str, config: JudgeConfig, estimate: int, reply: Reply) -> None:
    """Keep an answer: on disk before the next one is asked for, because it was paid for."""
    known = reply.tokens_in is not None and reply.tokens_out is not None
    cost = config.cost(reply.tokens_in or 0, reply.tokens_out or 0) if known else None
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with store.write() as tx:
        tx.execute("DELETE FROM judge_call WHERE key = ?", [key])
        tx.execute(
            "INSERT INTO judge_call (key, run, model, estimate, tokens_in, tokens_out, cost, response, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [key, run.id, config.model, estimate, reply.tokens_in, reply.tokens_out, cost, reply.text, at],
        )
