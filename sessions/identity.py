"""Who is who: content ids of runs and steps, ids of chunks.

The canonical form of a step (version 1) is its actor and, for each part in order, kind and text (tool calls: tool
name and arguments as sorted JSON; results: text). Native ids, times, tokens, formats and records kept raw are not
in it, so one run told in two formats has one content id, and every equal step of it one step id.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from hashlib import blake2b, sha256

from sessions.jsontext import canonical
from sessions.run import Step

CANONICAL_VERSION = 1
STEP_ID_BYTES = 12


class Identity:
    """Gives ids to the steps of one run as they stream by, and the run's content id at the end."""

    def __init__(self) -> None:
        # Most steps occur once: as much of their hashes as the ids have is kept in a set, in half of a dict's memory.
        self._once: set[bytes] = set()
        self._again: dict[bytes, int] = {}
        self._run = sha256(b"run/%d\n" % CANONICAL_VERSION)

    def step_id(self, step: Step) -> str:
        """Hash of the step's content and of how many equal steps came before: a loop's turns stay apart. 24 hex."""
        content = _content_digest(step)
        key, before = content[:STEP_ID_BYTES], 0
        if key in self._once:
            before = self._again[key] = self._again.get(key, 0) + 1
        else:
            self._once.add(key)
        self._run.update(content)
        return _id_after(content, before)

    def content_id(self) -> str:
        """Hash over all steps so far, in order: 64 hex digits."""
        return self._run.hexdigest()


class LaterIdentity:
    """Gives ids to steps that are added to a run whose earlier ones were named before, by another process.

    ids: of all steps that the run has. The ids come out as `Identity` would give them to the whole run: what stands in
    the run before is the number of equal steps, because their ids are among these.
    """

    def __init__(self, ids: Set[str]) -> None:
        self._ids = ids
        self._seen: dict[bytes, int] = {}

    def step_id(self, step: Step) -> str:
        content = _content_digest(step)
        before = self._seen.get(content)
        if before is None:
            before = self._count(content)
        self._seen[content] = before + 1
        return _id_after(content, before)

    def _count(self, content: bytes) -> int:
        """How many steps of this content there are: ids 0 to n - 1 are taken and no other, so halving finds n."""
        high = 1
        while _id_after(content, high - 1) in self._ids:
            high *= 2
        low = high // 2
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if _id_after(content, middle) in self._ids else (low, middle)
        return low


def _id_after(content: bytes, before: int) -> str:
    """The id of a step with this content after so many equal ones."""
    if before:
        content = blake2b(content + before.to_bytes(8, "big"), digest_size=32).digest()
    return content[:STEP_ID_BYTES].hex()


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
