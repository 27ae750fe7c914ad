"""IT-Bench runs: a folder with the agent's session (`session.jsonl`), its answer, the judge's scores, the ground truth.

As `ITBench-Trajectories` and the SRE agent (2025-2026) have them: the session is a Codex rollout, in the run's folder
or below its `sessions/`; beside it `agent_output.json` and, once judged, `judge_output.json`; the ground truth
(`ground_truth.yaml` or `.json`, also `gt.*`) there or in the scenario's folder above it. Opened by the session's file.

- The steps are the session's, as the `codex` reader reads them; so are its gaps.
- Domain (sre, ciso, finops), scenario and run come from the folders' names, and, as the agent's answer, are facts.
- `Header.reference`: `judge` (the file), `root_cause_recall` (0 to 1: as the judge says, or counted from its matches),
  `solved` (whether all root causes were found), `ground_truth` (YAML stays text: there is no parser for it here).
- A session without an answer and without a judge's file is a `codex` session like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.base import Head, Source
from sessions.readers.codex import CodexReader
from sessions.readers.leftovers import amount, is_trivial, mapping, sequence, text_or_none
from sessions.run import Header, Record

ANSWER, JUDGE = "agent_output.json", "judge_output.json"
_TRUTHS = ("ground_truth.json", "ground_truth.yaml", "ground_truth.yml", "gt.json", "gt.yaml")
#: Fields of which some are in an answer or a judge's file of this benchmark, and hardly in others of these names.
_MARKS = frozenset(
    (
        *("entities", "propagations", "alerts_explained", "contributing_factors", "root_cause", "recommendations"),
        *("scores", "eval_result", "flat_scores", "judge_model", "justification", "metadata"),
    )
)
_DOMAINS = ("sre", "ciso", "finops")
_SCENARIO = re.compile(r"(?:scenario|incident)[-_ ]?(\w{1,40})", re.IGNORECASE)
_MAX_BYTES = 4 * 1024 * 1024
_LEVELS = 5


class ItBenchReader:
    """See the module's docstring."""

    name = "it-bench"
    title = "IT-Bench run"
    versions = "2025-2026"
    gaps = (
        "Opened by its session; a run without one (only an answer and a score) is none here. Ground truth in YAML "
        "is kept as text."
    )

    def sniff(self, head: Head) -> float:
        codex = CodexReader().sniff(head)
        if codex < 0.8:
            return 0.0
        folder = _Folder(head.path)
        return 0.99 if folder.is_ours() else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        folder = _Folder(source.path)
        for record in CodexReader().read(source):
            if isinstance(record, Header):
                folder.describe(record)
            yield record


class _Folder:
    """The folder of a run, from the path of its session."""

    def __init__(self, session: Path) -> None:
        session = session.absolute()
        self.path = session.parent
        above = list(session.parents)[:_LEVELS]
        for inner, outer in pairwise(above):
            if inner.name == "sessions":  # the program's own folders of sessions, by date
                self.path = outer
        self.files: list[str] = []
        self._known: dict[str, Any] = {}

    def _json(self, name: str) -> Any:
        """A file's JSON (its text where it is none), in the run's folder or in its `outputs`; None without it."""
        if name not in self._known:
            self._known[name] = None
            for path in (self.path / name, self.path / "outputs" / name):
                text = _text(path)
                if text is not None:
                    self.files.append(str(path))
                    self._known[name] = _value(text)
                    break
        return self._known[name]

    def is_ours(self) -> bool:
        return any(mapping(self._json(name)).keys() & _MARKS for name in (ANSWER, JUDGE))

    def describe(self, header: Header) -> None:
        """Put what the folder tells into the header of the session."""
        answer, judge = self._json(ANSWER), self._json(JUDGE)
        header.format = ItBenchReader.name
        header.facts |= {"benchmark": "IT-Bench", **_places(self.path)}
        if not is_trivial(answer):
            header.facts["agent_output"] = answer
        reference: dict[str, Any] = {}
        if not is_trivial(judge):
            recall = root_cause_recall(judge)
            reference |= {"judge": judge, "root_cause_recall": recall}
            reference |= {"solved": recall >= 1} if recall is not None else {}
        truth = self._truth()
        if truth is not None:
            reference["ground_truth"] = truth
        header.reference = {**(header.reference or {}), **reference} or None
        header.files = [*header.files, *self.files]
        scenario = header.facts.get("scenario")
        if header.title in ("", "session") and scenario:
            header.title = f"scenario {scenario}"

    def _truth(self) -> Any:
        for folder in (self.path, self.path.parent):
            for name in _TRUTHS:
                text = _text(folder / name)
                if text is not None:
                    self.files.append(str(folder / name))
                    return _value(text) if name.endswith(".json") else text
        return None


def _text(path: Path) -> str | None:
    with suppress(OSError):
        if path.is_file() and path.stat().st_size <= _MAX_BYTES:
            return path.read_text("utf-8", "replace")
    return None


def _value(text: str) -> Any:
    """A file's JSON. Agents also write it as a Markdown block, or as a JSON string that holds it."""
    for _ in range(3):
        body = text.strip()
        if body.startswith("```"):
            body = body.partition("\n")[2].rpartition("```")[0]
        try:
            value = loads(body)
        except BadJson:
            return text
        if not isinstance(value, str):
            return value
        text = value
    return text


def _places(folder: Path) -> dict[str, Any]:
    """Domain, scenario and run out of the folders' names: `.../sre/Scenario-80/1`, or `.../80/1`."""
    names = [folder.name, *(above.name for above in folder.parents)][:_LEVELS]
    found: dict[str, Any] = {}
    domain = next((name.lower() for name in names if name.lower() in _DOMAINS), None)
    scenario = next((match[1] for name in names if (match := _SCENARIO.fullmatch(name))), None)
    if scenario is None and len(names) > 1 and names[0].isdecimal() and names[1].isdecimal():
        scenario = names[1]
    run = names[0] if names[0].isdecimal() else None
    found = {"domain": domain, "scenario": scenario, "trial": int(run) if run and len(run) < 10 else None}
    return {key: value for key, value in found.items() if value is not None}


def root_cause_recall(judge: Any) -> float | None:
    """How much of the root causes was found (0 to 1), by a judge's file of either generation; None: it does not say."""
    told = mapping(judge)
    flat = amount(mapping(told.get("flat_scores")).get("root_cause_entity_recall"))
    if flat is not None:
        return _share(flat)
    scores = mapping(told.get("scores")) or mapping(mapping(told.get("eval_result")).get("scores"))
    entity = scores.get("root_cause_entity")
    if not isinstance(entity, dict):
        score = amount(entity)  # the first generation scored 0 or 100, as found or not
        return _share(score / 100 if score is not None and score > 1 else score)
    for key in ("calculation_recall", "recall"):
        stated = amount(entity.get(key))
        if stated is not None:
            return _share(stated)
    wanted = sequence(entity.get("gt_entities"))
    if not wanted:
        score = amount(entity.get("score"))
        return _share(score / 100 if score is not None and score > 1 else score)
    matched = {
        text_or_none(mapping(item).get("matched_to")) or text_or_none(mapping(item).get("entity")) or str(place)
        for place, item in enumerate(sequence(entity.get("predicted_entities")))
        if mapping(item).get("matches_gt") is True
    }
    return min(1.0, len(matched) / len(wanted))


def _share(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= 1 else None
