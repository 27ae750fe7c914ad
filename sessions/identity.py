"""Who is who: content ids of runs and steps, ids of chunks.

The canonical form of a step (version 1) is its actor and, for each part in order, kind and text (tool calls: tool
name and arguments as sorted JSON; results: text). Native ids, times, tokens, formats and records kept raw are not
in it, so one run told in two formats has one content id, and every equal step of it one step id.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b, sha256

from sessions.jsontext import canonical
from sessions.run import Step

CANONICAL_VERSION = 1
STEP_ID_BYTES = 12


class Identity:
    """Gives ids to the steps of one run as they stream by, and the run's content id at the end."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}
        self._run = sha256(b"run/%d\n" % CANONICAL_VERSION)

    def step_id(self, step: Step) -> str:
        """Hash of the step's content and of how many equal steps came before: a loop's turns stay apart. 24 hex."""
        content = _content_digest(step)
        before = self._seen.get(content, 0)
        self._seen[content] = before + 1
        self._run.update(content)
        if before:
            content = blake2b(content + before.to_bytes(8, "big"), digest_size=32).digest()
        return content[:STEP_ID_BYTES].hex()

    def content_id(self) -> str:
        """Hash over all steps so far, in order: 64 hex digits."""
        return self._run.hexdigest()


def _content_digest(step: Step) -> bytes:
    """Every piece is length-prefixed, so that no two different steps feed the same bytes."""
    encoded = step.actor.encode("utf-8", "surrogatepass")
    pieces = [b"step %d:" % len(encoded), encoded]
    for part in step.parts:
        kind = part.kind
        if kind == "raw":
            continue
        if kind == "tool_call":
            name = (part.name or "").encode("utf-8", "surrogatepass")
            encoded = canonical(part.arguments if part.arguments is not None else {})
            pieces += (b"tool_call %d:" % len(name), name, b"%d:" % len(encoded), encoded)
        else:
            encoded = part.text.encode("utf-8", "surrogatepass")
            pieces += (b"%s %d:" % (kind.encode(), len(encoded)), encoded)
    return blake2b(b"".join(pieces), digest_size=32).digest()


def content_id(steps: Iterable[Step]) -> str:
    """The content id of a whole run in memory."""
    identity = Identity()
    for step in steps:
        identity.step_id(step)
    return identity.content_id()


def chunk_id(first_step: str, last_step: str) -> str:
    """A chunk's id: the hash of its first and last step ids, so that it outlives renumbering. 24 hex digits."""
    return sha256(f"chunk/1 {first_step} {last_step}".encode()).hexdigest()[:24]
