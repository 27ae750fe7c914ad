"""The shape of reference_labels.json: what is wrong in each run of this folder, where, and why.

Step numbers count from 1 as the station counts them: one turn of one actor with its tool calls and their results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from sample_traces import path

FILE = "reference_labels.json"


class Strict(BaseModel):
    """Stray keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(Strict):
    """Text copied verbatim from one part of a step."""

    step: int = Field(ge=1)
    quote: str = Field(min_length=1)


class Label(Strict):
    """One failure mode in a run. caused_by: the mode of the label of this run that led to this one."""

    mode: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    first_step: int = Field(ge=1)
    last_step: int = Field(ge=1)
    evidence: list[Evidence] = Field(min_length=1)
    root_cause: bool = False
    caused_by: str | None = None
    note: str = Field(min_length=1)

    @model_validator(mode="after")
    def _evidence_lies_inside(self) -> Label:
        if self.last_step < self.first_step:
            raise ValueError(f"{self.mode}: last_step comes before first_step")
        for item in self.evidence:
            if not self.first_step <= item.step <= self.last_step:
                raise ValueError(f"{self.mode}: evidence in step {item.step} lies outside the label")
        if self.root_cause and self.caused_by is not None:
            raise ValueError(f"{self.mode}: a root cause is caused by nothing else")
        return self


class RunLabels(Strict):
    """What one codebook says of one run. none: the run was judged and no mode of the codebook occurs.

    rollback_to: the first step that an operator should have undone; None where nothing had to be.
    """

    run: str
    codebook: Literal["mast", "safety"] = "mast"
    labels: list[Label] = []
    none: bool = False
    rollback_to: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _labels_or_none(self) -> RunLabels:
        if self.none == bool(self.labels):
            raise ValueError(f"{self.run}: either labels or none")
        modes = {label.mode for label in self.labels}
        for label in self.labels:
            if label.caused_by is not None and label.caused_by not in modes - {label.mode}:
                raise ValueError(f"{self.run}: {label.mode} is caused by {label.caused_by}, which has no label")
        return self


_FILE = TypeAdapter(list[RunLabels])


def load(file: Path | None = None) -> list[RunLabels]:
    """Read and check the reference labels that are shipped, or those of another file."""
    return _FILE.validate_json((file or path() / FILE).read_bytes())


def dump(labels: list[RunLabels]) -> str:
    """The file's text, the same for the same labels."""
    return _FILE.dump_json(labels, indent=1).decode() + "\n"
