"""What the lines of a Claude Code file say of the conversation they belong to, beside what is said in it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Conversation:
    """What is known of one run of the file. left: abandoned branches met. titles: by who gave them."""

    item: int
    session: str | None = None
    version: str | None = None
    model: str | None = None
    task: str | None = None
    started_at: str | None = None
    answered: bool = False
    left: set[str] = field(default_factory=set)
    titles: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def native_id(self) -> str | None:
        """The session's id. A sub-agent's lines name its parent's session, so its own id is put behind."""
        agent = self.facts.get("agentId")
        return f"{self.session}/{agent}" if self.session and agent else self.session

    def count(self, what: str) -> None:
        self.facts[what] = self.facts.get(what, 0) + 1

    def note_envelope(self, record: dict[str, Any]) -> None:
        """What most lines say of the session they are in."""
        session = record.get("sessionId") or record.get("session_id")
        if type(session) is not str:
            return
        self.session = session
        version = record.get("version") or record.get("claude_code_version")
        self.version = version if type(version) is str else None
        for key in ("cwd", "gitBranch", "slug"):
            if type(record.get(key)) is str and record[key]:
                self.facts[key] = record[key]

    def note_title(self, kind: str, record: dict[str, Any], seen: Container[str]) -> None:
        """Later titles win. A summary at a file's top may be another session's: its leaf must be a line of this one."""
        leaf = record.get("leafUuid")
        title = record.get({"summary": "summary", "ai-title": "aiTitle"}.get(kind, "customTitle"))
        if type(title) is not str or not title.strip():
            return
        if kind == "summary" and type(leaf) is str and leaf not in seen:
            return
        self.titles[kind] = title

    def note_result(self, record: dict[str, Any]) -> None:
        """The closing line of `--output-format stream-json`: totals of the whole run."""
        for key in ("total_cost_usd", "num_turns", "duration_ms", "is_error", "subtype"):
            value = record.get(key)
            if value is not None and type(value) in (int, float, bool, str):
                self.facts[key] = value
