"""What our own ATIF files say in `extra`, under the key `review-tui`, and how it is put back.

ATIF has no place for some of what a step or a run of ours holds: actors other than the agent, an order of parts other
than reasoning, message, calls, results, records kept raw, branches. `sessions/writers/atif.py` notes that and nothing
else. Files of others have none of it. Whatever does not fit the step it stands in is passed over.

Of a step: `actor`, `role`, `at`, `native_id`, `model`, `depth`, `parent_call`, `branch`, `stage`, `tokens_in`,
`tokens_out`, `cost` as in `sessions.run.Step`; `raw`: parts kept raw, as [name, text]; `parts`: the order of all parts,
as [kind], or [kind, characters] or [kind, characters, name] for a text or reasoning that is a piece of the whole one
(pieces are joined by a newline). Of a call: `bare` (its arguments are no object: they stand under `input`), `no_id`. Of
a result: `call_id` (of a call in another step), `name`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.readers.leftovers import amount, count, mapping, sequence, text_or_none
from sessions.run import ROLES, Header, Part, PartKind, Step, arguments_text

KEY = "review-tui"
_TEXTS = ("at", "native_id", "model", "parent_call", "branch", "stage")
_HEADER_TEXTS = ("title", "task", "system", "model", "native_id", "started_at")
_MAX_DEPTH = 1000


def taken_apart(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a record's `extra` is ours, and the record without it."""
    extra = record.get("extra")
    if not isinstance(extra, dict) or not isinstance(extra.get(KEY), dict):
        return {}, record
    rest = {key: value for key, value in extra.items() if key != KEY}
    without = {key: value for key, value in record.items() if key != "extra"}
    return extra[KEY], {**without, "extra": rest} if rest else without


def restore_step(step: Step, kept: dict[str, Any]) -> None:
    """Put back what ATIF had no place for."""
    actor, role, depth = kept.get("actor"), kept.get("role"), count(kept.get("depth"))
    if isinstance(actor, str) and actor:
        step.actor = actor
    if role in ROLES:
        step.role = role
    if depth is not None:
        step.depth = min(depth, _MAX_DEPTH)
    for name in _TEXTS:
        if isinstance(kept.get(name), str):
            setattr(step, name, kept[name])
    for name in ("tokens_in", "tokens_out"):
        if (number := count(kept.get(name))) is not None:
            setattr(step, name, number)
    if (cost := amount(kept.get("cost"))) is not None:
        step.cost = cost
    raws = [_raw(item) for item in sequence(kept.get("raw"))]
    ordered = list(_ordered(step.parts, raws, sequence(kept["parts"]))) if "parts" in kept else None
    if ordered is not None and None not in ordered:
        step.parts = [part for part in ordered if part is not None]
    else:
        step.parts += raws


def _raw(item: Any) -> Part:
    name, text = (item[0], item[1]) if isinstance(item, list) and len(item) == 2 else (None, item)
    return Part("raw", text if isinstance(text, str) else "", name=text_or_none(name))


def _ordered(parts: list[Part], raws: list[Part], order: list[Any]) -> Iterator[Part | None]:
    """The parts in their order; None somewhere if the order is not that of these parts."""
    rest: dict[str, list[Part]] = {"tool_call": [], "tool_result": [], "raw": list(raws)}
    said = {"reasoning": _Said("reasoning"), "text": _Said("text")}
    others: list[Part] = []
    for part in parts:
        if part.kind in said:
            said[part.kind].text = part.text
        else:
            (others if part.kind == "raw" else rest[part.kind]).append(part)
    for entry in order:
        kind = entry[0] if isinstance(entry, list) and entry and isinstance(entry[0], str) else ""
        if kind in rest:
            yield rest[kind].pop(0) if rest[kind] else None
        else:
            yield said[kind].piece(entry) if kind in said else None
    if any(rest.values()) or not all(whole.used for whole in said.values()):
        yield None
    yield from others


class _Said:
    """A text or reasoning that is cut into its pieces again."""

    def __init__(self, kind: PartKind) -> None:
        self.kind, self.text, self._place = kind, "", 0

    def piece(self, entry: list[Any]) -> Part | None:
        length = count(entry[1]) if len(entry) > 1 else None
        if length is None or self._place + length > len(self.text):
            return None
        text = self.text[self._place : self._place + length]
        self._place += length + 1
        return Part(self.kind, text, name=entry[2] if len(entry) > 2 and isinstance(entry[2], str) else None)

    @property
    def used(self) -> bool:
        """Whether the pieces are the whole."""
        return self._place == len(self.text) + 1 or not (self.text or self._place)


def restore_call(part: Part, kept: dict[str, Any]) -> None:
    """Put back a call's arguments that are no object, and that it has no id."""
    if kept.get("bare") is True and isinstance(part.arguments, dict) and "input" in part.arguments:
        part.arguments = part.arguments["input"]
        part.text = arguments_text(part.arguments)
    if kept.get("no_id") is True:
        part.call_id = None


def restore_result(part: Part, kept: dict[str, Any]) -> None:
    for name in ("call_id", "name"):
        if isinstance(kept.get(name), str):
            setattr(part, name, kept[name])


def restore_header(header: Header, kept: dict[str, Any], extra: dict[str, Any]) -> None:
    """Put back what is known of the run, with the format it came in. extra: of the document, without what is ours."""
    header.format = text_or_none(kept.get("format")) or header.format
    for name in _HEADER_TEXTS:
        setattr(header, name, text_or_none(kept.get(name)) or ("" if name == "title" else None))
    header.facts = {**mapping(kept.get("facts")), **{key: extra[key] for key in extra if key != "reference"}}
    header.reference = mapping(extra.get("reference")) or None
