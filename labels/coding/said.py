"""What is said of codes: the payloads of `code` events, as checked data.

Such an event is about no run (`run` and `chunk` are empty): a code lives across all of them. The notes it names carry
the ids that their runs had when it was made; a merge keeps those as aliases.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from labels.codebook_ref import CodebookRef
from labels.events import Event
from labels.model import Id

CODE = "code"
#: The run and chunk of such an event.
NOWHERE = ""
MOST_NOTES = 1000
LONGEST_NAME = 80


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a code's name is printable text")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_printable),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoteRef(_Model):
    """A note: on a label, or (label "") on what was decided of a chunk or run as a whole."""

    run: Id
    reviewer: Id
    chunk: Id
    label: Annotated[str, Field(max_length=200)] = ""


Notes = Annotated[tuple[NoteRef, ...], Field(min_length=1, max_length=MOST_NOTES)]


class Assign(_Model):
    """Notes get a code; name: what the code is called, if this is the first that is said of it."""

    op: Literal["assign"] = "assign"
    notes: Notes
    code: Id
    name: Name


class Unassign(_Model):
    """A code is taken from notes; it stays, even without any."""

    op: Literal["unassign"] = "unassign"
    notes: Notes
    code: Id


class Rename(_Model):
    """A code gets another name; its id stays, and the former name still leads to it."""

    op: Literal["rename"] = "rename"
    code: Id
    name: Name


class Merge(_Model):
    """Codes become part of another one: their notes count for it from now on."""

    op: Literal["merge"] = "merge"
    codes: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_NOTES)]
    into: Id


class Split(_Model):
    """Some notes of a code get a new code of their own instead."""

    op: Literal["split"] = "split"
    code: Id
    notes: Notes
    into: Id
    name: Name


class Promote(_Model):
    """A code has become a mode of a codebook."""

    op: Literal["promote"] = "promote"
    code: Id
    codebook: CodebookRef
    mode: Id


Op: TypeAlias = Annotated[Assign | Unassign | Rename | Merge | Split | Promote, Field(discriminator="op")]


class Coding(_Model):
    """The payload of a `code` event. after: origin -> the last such event from there that was known."""

    said: Op
    tool: str = ""
    after: dict[Id, Annotated[int, Field(ge=1)]] = {}

    def payload(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def fold_name(name: str) -> str:
    """A name as compared: case, spacing and hyphens aside."""
    return " ".join(name.replace("-", " ").replace("_", " ").casefold().split())


def code_id(name: str) -> str:
    """The id of a code that is first given under this name: the same in every database, so that people who work apart
    and choose one name have one code when their databases are merged."""
    return sha256(f"code/1\n{fold_name(name)}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def wrong(event: Event) -> str:
    """Why an event of this kind that comes from elsewhere cannot be one; "" if it can."""
    try:
        Coding.model_validate_json(event.payload)
    except ValidationError as error:
        return f"its content says nothing of codes: {str(error.errors()[0]['msg'])[:100]}"
    return "" if (event.run, event.chunk) == (NOWHERE, NOWHERE) else "it says something of codes, but names a run"
