"""What a file of stages says, as checked models. docs/stages.md shows a complete one."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from labels.policies.model import MOST_BYTES, Line, People, Slug
from labels.toml_file import FaultError, Kind
from sessions.jsontext import canonical

#: A stage's name stands in rule ids (`stage:NAME:REQUIREMENT`) and in the requests of agents.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$", max_length=60)]
_KINDS = ("command", "tool", "file", "approver")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Requirement(_Frozen):
    """One thing that a stage must show. Of the kinds just one: command, a glob of a shell command that ran in the stage
    and whose result shows no error; tool, a glob of a tool that was called in it; file, a glob of a file in the
    workspace, `changed` in the stage if it says so; approver, the name of a person who has approved in it.
    about: in words, for people and for the agent."""

    id: Slug
    command: Line | None = None
    tool: Line | None = None
    file: Line | None = None
    approver: Line | None = None
    changed: bool = False
    about: Line | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Requirement:
        if sum(getattr(self, kind) is not None for kind in _KINDS) != 1:
            raise FaultError(("id",), f"must say just one of {', '.join(_KINDS)}")
        if self.changed and self.file is None:
            raise FaultError(("changed",), "changed belongs to a file")
        if self.file is not None and (self.file.startswith(("/", "~")) or ".." in PurePosixPath(self.file).parts):
            raise FaultError(("file",), "must be a path below the workspace")
        return self

    @property
    def words(self) -> str:
        """What is wanted, as one line."""
        wanted = (
            f"`{self.command}` has run without an error" if self.command
            else f"the tool {self.tool} was called" if self.tool
            else f"{self.approver} has approved" if self.approver
            else f"the file {self.file} {'was changed' if self.changed else 'is there'}"
        )  # fmt: skip
        return f"{self.about} ({wanted})" if self.about else wanted


class Stage(_Frozen):
    """A stage. about: what is done in it, for the agent. shows: what it must show before it may be left. approvers: who
    may approve its gates, and the one at which it is left; anybody if empty. approvals: how many must, to leave it."""

    name: Name
    about: Annotated[str, Field(max_length=2_000)] = ""
    shows: Annotated[tuple[Requirement, ...], Field(max_length=50)] = ()
    approvers: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    approvals: People = 1

    @model_validator(mode="after")
    def _fits_together(self) -> Stage:
        seen: set[str] = set()
        for index, item in enumerate(self.shows):
            if item.id in seen:
                raise FaultError(("shows", index, "id"), f"{item.id!r} is used twice in this stage")
            if self.approvers and item.approver and item.approver not in self.approvers:
                raise FaultError(("shows", index, "approver"), f"{item.approver!r} is none of its approvers")
            seen.add(item.id)
        if 0 < len(set(self.approvers)) < self.approvals:
            raise FaultError(
                ("approvals",), f"{self.approvals} people must approve, and only {len(self.approvers)} may"
            )
        return self


class Stages(_Frozen):
    """A whole file: the stages in their order. A run goes forward one at a time, or back; it skips none."""

    stages: Annotated[tuple[Stage, ...], Field(alias="stage", min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Stages:
        for fault in self._faults():
            raise fault
        return self

    def _faults(self) -> Iterator[FaultError]:
        seen: set[str] = set()
        for index, stage in enumerate(self.stages):
            if stage.name in seen:
                yield FaultError(("stage", index, "name"), f"{stage.name!r} is used twice")
            seen.add(stage.name)

    @property
    def hash(self) -> str:
        """sha256 of what it says, as a policy's. 64 hex digits."""
        return sha256(b"stages/1\n" + canonical(self.model_dump(mode="json", exclude_defaults=True))).hexdigest()

    def place(self, name: str | None) -> int | None:
        """The place of a stage in the order, from 0; None if there is none of that name."""
        return next((place for place, stage in enumerate(self.stages) if stage.name == name), None)


STAGES = Kind(
    name="file of stages",
    model=Stages,
    guide="docs/stages.md shows a complete one.",
    tables={"stage": Stage, "shows": Requirement},
    naming={"name": "letters, digits, blanks and . _ - , a letter or digit first"},
    most=MOST_BYTES,
)
