"""What one reviewer says of one chunk, as checked data: labels with evidence, verdicts, answers, and the decision.

These models are the boundary: whatever comes from a screen, a script or another database is validated here before it
enters the event log, and what the log holds is read back through them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from labels.codebook_ref import CodebookRef

Verdict: TypeAlias = Literal["approve", "rollback", "reject", "stop", "abstain"]
VERDICTS: tuple[Verdict, ...] = ("approve", "rollback", "reject", "stop", "abstain")
AnswerKind: TypeAlias = Literal["accept", "reject", "relabel"]
Scope: TypeAlias = Literal["chunk", "run"]
#: The chunk id of a decision on the whole run.
WHOLE_RUN = "run"

Text = Annotated[str, Field(max_length=100_000)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StepRef(_Model):
    """A step by its content id, and the index (from 0) it had when it was named."""

    id: Id
    index: Annotated[int, Field(ge=0)]


def _check_order(first: StepRef, last: StepRef) -> None:
    if first.index > last.index:
        raise ValueError("the first step comes after the last one")


class Evidence(_Model):
    """A passage of a step. part: index of the part; start, end: code points in its text, end exclusive."""

    step: StepRef
    part: Annotated[int, Field(ge=0)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    quote: Text

    @model_validator(mode="after")
    def _range_fits_quote(self) -> Evidence:
        if self.end - self.start != len(self.quote):
            raise ValueError("evidence: the quote is not as long as its range")
        return self


class Label(_Model):
    """A failure mode that occurs in steps first..last.

    mode: slug in the codebook; code and name are copies for showing. sure: False for "I think so". root_cause: it
    starts a cascade; caused_by: the id of the label it follows from. suggestion: the id of the suggestion it came from.
    agent: who is blamed, where that is said and need not be whoever acts in the step (labels of others' corpora).
    """

    id: Id
    mode: Id
    code: str = ""
    name: str = ""
    codebook: CodebookRef
    first: StepRef
    last: StepRef
    evidence: tuple[Evidence, ...] = ()
    sure: bool = True
    root_cause: bool = False
    caused_by: str | None = None
    note: Text = ""
    suggestion: str | None = None
    agent: str | None = None

    @model_serializer(mode="wrap")
    def _agent_where_said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Labels without an agent are written as they were before there was such a field."""
        data: dict[str, Any] = dump(self)
        if data["agent"] is None:
            del data["agent"]
        return data

    @model_validator(mode="after")
    def _cause_or_consequence(self) -> Label:
        if self.root_cause and self.caused_by is not None:
            raise ValueError("a label cannot be a root cause and caused by another label")
        if self.caused_by == self.id:
            raise ValueError("a label cannot be caused by itself")
        _check_order(self.first, self.last)
        return self


class SetVerdict(_Model):
    """to: for `rollback`, the first step undone."""

    op: Literal["verdict"] = "verdict"
    verdict: Verdict | None
    to: StepRef | None = None

    @model_validator(mode="after")
    def _rollback_has_a_target(self) -> SetVerdict:
        if (self.verdict == "rollback") != (self.to is not None):
            raise ValueError("a rollback, and only a rollback, names the step to go back to")
        return self


class SetLabel(_Model):
    """Adds a label, or replaces the one with its id."""

    op: Literal["label"] = "label"
    label: Label


class RemoveLabel(_Model):
    op: Literal["unlabel"] = "unlabel"
    id: Id


class SetNone(_Model):
    """Says (or takes back) that no mode of this codebook occurs here: judged, and absent."""

    op: Literal["none"] = "none"
    codebook: CodebookRef
    value: bool = True


class SetJudged(_Model):
    """Says that labels and "none" here judge only these modes of the codebook: the others were not asked about."""

    op: Literal["judged"] = "judged"
    codebook: CodebookRef
    modes: tuple[Id, ...]


class SetNote(_Model):
    op: Literal["note"] = "note"
    text: Text


class SetAnswer(_Model):
    """The reviewer's answer to a suggestion; None takes it back. label: the label made of it. seconds: until it."""

    op: Literal["answer"] = "answer"
    suggestion: Id
    answer: AnswerKind | None
    label: str | None = None
    seconds: float | None = None


class Clear(_Model):
    """Forget what this reviewer said of the chunk before; what follows is said anew."""

    op: Literal["clear"] = "clear"


Op: TypeAlias = Annotated[
    SetVerdict | SetLabel | RemoveLabel | SetNone | SetJudged | SetNote | SetAnswer | Clear, Field(discriminator="op")
]


class Target(_Model):
    """The chunk a decision is about. id: chunk id, or WHOLE_RUN. number: from 1, as it was under `policy`."""

    id: Id
    scope: Scope
    number: int
    first: StepRef
    last: StepRef
    policy: str

    @model_validator(mode="after")
    def _in_order(self) -> Target:
        _check_order(self.first, self.last)
        return self


class Shown(_Model):
    """A suggestion that the reviewer saw before deciding."""

    id: Id
    detector: str
    version: str


class GateRef(_Model):
    """The gate of a live run that an act decides on, and what the agent is told: kept in the ledger, because an agent
    acts on it.

    id, key: of the gate. payload_sha256: of what was shown. to_gate: key of the gate that a rollback goes back to,
    "start" for the beginning. message: to the agent. edited: the proposed calls as they may run. rule: of the policy.
    """

    id: Id
    key: Id
    payload_sha256: str
    to_gate: str | None = None
    message: Text = ""
    edited: list[Any] | None = None
    rule: str = ""


class Act(_Model):
    """One thing a reviewer did: the payload of a `decide` event. One undo takes all its operations back.

    seconds: time on the chunk so far. shown: suggestions on the screen. blind_suggestions, blind_votes: whether
    suggestions, and others' votes, were hidden. how: `person`; `policy` (never a vote); `import` for a vote that came
    with a corpus. gate: of a live run. repeat: 1 for a second reading of the chunk, which measures the reviewer and
    changes nothing. after: origin -> the last event there, of this reviewer on this chunk, that was known and so comes
    first. read: the share of the target's text (0 to 1) that has been on the screen so far, where a screen knows.
    """

    target: Target
    ops: tuple[Op, ...]
    seconds: float | None = None
    shown: tuple[Shown, ...] = ()
    blind_suggestions: bool
    blind_votes: bool
    how: Literal["person", "policy", "import"] = "person"
    tool: str = ""
    gate: GateRef | None = None
    repeat: Literal[0, 1] = 0
    after: dict[Id, Annotated[int, Field(ge=1)]] = {}
    read: Annotated[float, Field(ge=0, le=1)] | None = None

    def payload(self) -> dict[str, Any]:
        """As it goes into the event; `gate`, `repeat`, `after` and `read` only where there is one."""
        silent = {name for name in _SELDOM if getattr(self, name) in (None, 0, {})}
        return self.model_dump(mode="json", exclude=silent | ({"read"} if self.read is None else set()))


#: Fields of an act that are left out of its payload where they say nothing.
_SELDOM = ("gate", "repeat", "after")


class Answer(_Model):
    answer: AnswerKind
    label: str | None = None
    seconds: float | None = None


class Decision(_Model):
    """What one reviewer currently says of one chunk or run: the fold of their events on it.

    judged: of a codebook, the only modes that were asked about; a codebook without an entry was judged as a whole.
    """

    run: str
    reviewer: str
    target: Target
    verdict: Verdict | None = None
    to: StepRef | None = None
    none: tuple[CodebookRef, ...] = ()
    judged: tuple[SetJudged, ...] = ()
    labels: tuple[Label, ...] = ()
    answers: dict[str, Answer] = {}
    note: str = ""
    seconds: float | None = None
    blind_suggestions: bool = True
    blind_votes: bool = True
    how: str = "person"
    at: str = ""

    @property
    def empty(self) -> bool:
        return not (self.verdict or self.none or self.labels or self.answers or self.note)

    def label(self, id: str) -> Label | None:
        return next((label for label in self.labels if label.id == id), None)
