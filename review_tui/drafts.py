"""Models of what a reviewer says, made of what they pointed at: steps, labels, quoted evidence. No Textual in here."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

if TYPE_CHECKING:  # the models pull pydantic in, which the first frame does not wait for
    from labels.codebook import Mode
    from labels.codebook_ref import CodebookRef
    from labels.model import Evidence, Label

#: Evidence is a passage, not a document.
LONGEST_QUOTE = 20_000


@dataclass(frozen=True)
class EvidenceWish:
    """A passage to be quoted: part of step `index`, characters start..end."""

    index: int
    part: int
    start: int
    end: int


def step_ref(store: Store, run: RunInfo, index: int) -> dict[str, Any]:
    """A step by id and index, as models take it. Raises UserError if the run has no such step."""
    step = catalog.step_id(store, run.no, index)
    if step is None:
        raise UserError(f"this run has no step {index + 1}.")
    return {"id": step, "index": index}


def evidence(store: Store, run: RunInfo, wish: EvidenceWish) -> Evidence:
    """A passage with what stands there. Raises UserError if it is too long."""
    from labels.model import Evidence

    if wish.end - wish.start > LONGEST_QUOTE:
        raise UserError(f"evidence of {wish.end - wish.start:,} characters is too long.", "Select the telling part.")
    text = catalog.step(store, run.no, wish.index).step.parts[wish.part].text
    return Evidence.model_validate(
        {
            "step": step_ref(store, run, wish.index),
            "part": wish.part,
            "start": wish.start,
            "end": wish.end,
            "quote": text[wish.start : wish.end],
        }
    )


def label(
    store: Store,
    run: RunInfo,
    codebook: CodebookRef,
    mode: Mode,
    steps: tuple[int, int],
    passages: Sequence[EvidenceWish],
) -> Label:
    """A new label. steps: indices of the first and the last one. Raises UserError as the above."""
    from labels.model import Label

    return Label.model_validate(
        {
            "id": uuid.uuid4().hex[:12],
            "mode": mode.slug,
            "code": mode.code,
            "name": mode.name,
            "codebook": codebook,
            "first": step_ref(store, run, steps[0]),
            "last": step_ref(store, run, steps[1]),
            "evidence": [evidence(store, run, wish).model_dump() for wish in passages],
        }
    )
