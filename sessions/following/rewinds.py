"""Rewinds in a Claude Code session that grows: steps already given on turn out to be on a branch that was left.

A rewind is a second prompt of the person with one and the same parent (`sessions.readers.claude_code_files`). When one
is appended, the file has to be read anew, because the branch's mark belongs to steps that stand before it.
"""

from __future__ import annotations

from sessions.jsontext import BadJson, loads
from sessions.readers.claude_code_files import SCAN_BYTES, is_prompt


class Rewinds:
    """Looks at each line as it comes. met: a rewind stands behind byte `known` of the file (its size when it was last
    read from the beginning)."""

    def __init__(self, known: int = 0) -> None:
        self._known = known
        self._prompts: dict[str, str] = {}
        self.met = False

    def see(self, line: bytes, offset: int) -> None:
        if b'"type":"assistant"' in line or b'"user"' not in line or b'"tool_result"' in line:
            return
        try:
            record = loads(line)
        except BadJson:
            return
        if not isinstance(record, dict) or not is_prompt(record):
            return
        uuid, parent = record.get("uuid"), record.get("parentUuid")
        if isinstance(uuid, str) and isinstance(parent, str) and self._prompts.setdefault(parent, uuid) != uuid:
            self.met = self.met or self._known <= offset < SCAN_BYTES
