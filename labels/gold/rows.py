"""The rows of a release: what one reviewer said of one unit (a vote), each label with all that is known of how it came
about, and the suggestions that there were. Plain JSON values; docs/gold.md describes the fields.

A step is `{"step": id, "step_number": from 1, "step_index": from 0}`; a place in text counts code points of the text as
it is released, end exclusive, and comes with the quote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from labels.gold.hiding import Hiding
from labels.gold.people import People
from labels.gold.said import GONE, Made, Said, Vote
from labels.gold.settle import Row, unit_order
from labels.model import WHOLE_RUN
from sessions.identity import chunk_id
from sessions.jsontext import canonical

LOST_QUOTES = "passages of evidence that do not stand in the run"


class RunRows:
    """The rows of one run. places: where the run's steps stand, by the ids they have in the store; step_ids: what they
    are called in the release."""

    def __init__(self, said: Said, hiding: Hiding | None, people: People, left_out: Counter[str]) -> None:
        """hiding: None where only the votes are wanted, without text (`gold status`)."""
        self.run_id = hiding.run_id if hiding else str(said.run.content_id)
        self._hiding, self._people, self._left_out = hiding, people, left_out
        self._steps = said.run.steps
        self.votes: list[Row] = []
        self.labels: list[Row] = []
        self._renamed: dict[str, str] = {}
        self._known: dict[str, Row] = {}
        self._names: dict[str, str] = {}
        self._units: dict[str, Row | None] = {}

    def add(self, vote: Vote, suggestions: Mapping[str, Row]) -> None:
        """Take a vote in. suggestions: of the run, by id."""
        target = vote.decision["target"]
        if target["id"] not in self._units:
            self._units[target["id"]] = self.unit(target)
        unit = self._units[target["id"]]
        if unit is None:
            self._left_out[GONE] += 1
            return
        annotator = self.annotator(vote.reviewer)
        role = _role(vote)
        row = self._vote(vote, unit, annotator, role)
        made = self._labels(vote, row, suggestions)
        row["labels"] = [label["label_id"] for label in made]
        self.votes.append(row)
        self.labels += made

    def sort(self) -> None:
        """By unit, annotator and event: an order that no machine and no merge changes."""
        self.votes.sort(key=lambda row: (unit_order(row["unit"]), row["annotator"], row["events"]))
        place = {row["unit"]["id"]: unit_order(row["unit"]) for row in self.votes}
        self.labels.sort(
            key=lambda row: (
                place[row["unit_id"]],
                row["annotator"],
                row["first"]["step_index"],
                row["codebook"]["id"],
                row["mode"],
                row["label_id"],
            )
        )

    # -- places -------------------------------------------------------------------------------------------------

    def unit(self, target: Mapping[str, Any]) -> Row | None:
        """The chunk, or the whole run, as the release knows it; None if its steps are not in the run any more."""
        first, last = self.step(target["first"]), self.step(target["last"])
        if first is None or last is None:
            return None
        if target["scope"] == "run":
            return {"scope": "run", "id": WHOLE_RUN, "first": first, "last": last}
        known = target["id"] if self._hiding is None or self._hiding.clean else chunk_id(first["step"], last["step"])
        return {"scope": "chunk", "id": known, "first": first, "last": last}

    def unit_at(self, chunk: str, first: int, last: int) -> Row | None:
        """The same by indices of steps."""
        assert self._hiding is not None
        if not 0 <= first <= last < len(self._hiding.step_ids):
            return None
        ids = self._hiding.step_ids
        key = chunk if chunk == WHOLE_RUN or self._hiding.clean else chunk_id(ids[first], ids[last])
        ends = [{"step": ids[index], "step_number": index + 1, "step_index": index} for index in (first, last)]
        return {"scope": "run" if chunk == WHOLE_RUN else "chunk", "id": key, "first": ends[0], "last": ends[1]}

    def step(self, ref: Mapping[str, Any]) -> Row | None:
        """A step that is named in the store. Without text, where it stood when it was named. Do not change it: whoever
        names the step gets the same one."""
        key = ref["id"]
        known = self._known.get(key)
        if known is not None:
            return known
        if self._hiding is None:
            index = ref["index"]
        else:
            index = self._hiding.places.get(key)
            if index is None:
                return None
            key = self._hiding.step_ids[index]
        step = {"step": key, "step_number": index + 1, "step_index": index}
        self._known[ref["id"]] = step
        return step

    def evidence(self, items: list[Mapping[str, Any]]) -> list[Row]:
        """Passages with their quotes; those that do not stand in the run are left out and counted."""
        return list(self._evidence(items)) if items and self._hiding else []

    def _evidence(self, items: list[Mapping[str, Any]]) -> Iterator[Row]:
        assert self._hiding is not None
        for item in items:
            step = self.step(item["step"])
            place = self._hiding.passage(item["step"]["id"], item["part"], item["start"], item["end"], item["quote"])
            if step is None or place is None:
                self._left_out[LOST_QUOTES] += 1
            else:
                yield {**step, "part": item["part"], "start": place[0], "end": place[1], "quote": place[2]}

    def annotator(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self._people.of(name)
        return known

    def text(self, text: str) -> str:
        return self._hiding.text(text) if self._hiding and text else text

    # -- votes --------------------------------------------------------------------------------------------------

    def _vote(self, vote: Vote, unit: Row, annotator: str, role: str) -> Row:
        said = vote.decision
        return {
            "run_id": self.run_id,
            "unit": unit,
            "annotator": annotator,
            "role": role,
            "verdict": said["verdict"],
            "rollback_to": self.step(said["to"]) if said["to"] else None,
            "codebooks": codebooks_of(said),
            "labels": [],
            "answers": [
                {"suggestion": self.suggestion(key), "answer": item["answer"], "seconds": item["seconds"]}
                for key, item in sorted(said["answers"].items())
            ],
            "note": self.text(said["note"]),
            "seconds": said["seconds"],
            "blind_suggestions": said["blind_suggestions"],
            "blind_votes": said["blind_votes"],
            "chunks": said["target"]["policy"],
            "at": said["at"],
            "events": [made.id for made in vote.events],
        }

    def _labels(self, vote: Vote, row: Row, suggestions: Mapping[str, Row]) -> list[Row]:
        said = vote.decision
        if not said["labels"] or said["verdict"] == "abstain":
            return []
        found = []
        events = _by_label(vote)
        shown = self._shown(vote, suggestions)
        for label in said["labels"]:
            first, last = self.step(label["first"]), self.step(label["last"])
            if first is None or last is None:
                self._left_out[GONE] += 1
                continue
            made = events.get(label["id"])
            answer = said["answers"].get(label["suggestion"] or "")
            item: Row = {
                "label_id": label["id"],
                "run_id": self.run_id,
                "unit_id": row["unit"]["id"],
                "scope": row["unit"]["scope"],
                "annotator": row["annotator"],
                "role": row["role"],
                "codebook": label["codebook"],
                "mode": label["mode"],
                "code": label["code"],
                "name": label["name"],
                "first": first,
                "last": last,
                "evidence": self.evidence(label["evidence"]),
                "sure": label["sure"],
                "root_cause": label["root_cause"],
                "caused_by": label["caused_by"],
                "note": self.text(label["note"]),
                "suggestion": shown.get(label["suggestion"] or ""),
                "action": answer["answer"] if answer else None,
                "suggestions_shown": list(shown.values()),
                "blind_suggestions": said["blind_suggestions"],
                "blind_votes": said["blind_votes"],
                "seconds": said["seconds"],
                "at": made.at if made else said["at"],
                "event_id": made.id if made else None,
                "event_hash": made.hash if made else None,
                "previous_event_hash": made.prev if made else None,
                "tool": made.tool if made else "",
            }
            if label.get("agent"):
                item["agent"] = self.text(label["agent"])
            found.append(item)
        return found

    # -- suggestions --------------------------------------------------------------------------------------------

    def suggestion(self, key: str) -> str:
        """A suggestion's id in the release. It is a hash over ids of steps, so it is another one where those are."""
        return key if self._hiding is None or self._hiding.clean else self._renamed.get(key, "unknown")

    def _shown(self, vote: Vote, suggestions: Mapping[str, Row]) -> dict[str, Row]:
        """The suggestions on the screen when it was decided, by the ids they have in the store."""
        found: dict[str, Row] = {}
        for made in vote.events:
            for item in made.shown:
                known = suggestions.get(item["id"], {})
                found[item["id"]] = {
                    "suggestion": self.suggestion(item["id"]),
                    "detector": item["detector"],
                    "version": item["version"],
                    "mode": known.get("mode"),
                    "score": known.get("score"),
                }
        return dict(sorted(found.items()))

    def suggestions(self, found: Mapping[str, Mapping[str, Any]]) -> list[Row]:
        """Suggestions as they are released: to be made before the votes. Their calibrated probability is left out: it
        belongs to the database that calibrated it, not to the run."""
        released = []
        for key, item in found.items():
            first, last = self.step(item["first"]), self.step(item["last"])
            if first is None or last is None:
                continue
            evidence = self.evidence(item["evidence"])
            if self._hiding is not None and not self._hiding.clean:
                places = [[place["step"], place["part"], place["start"], place["end"]] for place in evidence]
                claim = [item["detector"], item["codebook"]["id"], item["mode"], first["step"], last["step"], places]
                self._renamed[key] = sha256(canonical(claim)).hexdigest()[:24]
            released.append(
                {
                    "run_id": self.run_id,
                    "suggestion": self.suggestion(key),
                    **{name: item[name] for name in ("detector", "version", "codebook", "mode", "code", "name")},
                    "first": first,
                    "last": last,
                    "evidence": evidence,
                    "score": item["score"],
                    "rationale": self.text(item["rationale"]),
                }
            )
        return sorted(released, key=lambda row: (row["first"]["step_index"], row["suggestion"]))


def _role(vote: Vote) -> str:
    """operator: at a gate of a live run. outside: a vote that came with a corpus. annotator: everybody else."""
    if vote.decision["how"] == "import":
        return "outside"
    return "operator" if any(made.at_gate for made in vote.events) else "annotator"


def codebooks_of(said: Mapping[str, Any]) -> list[Row]:
    """What a decision says of each codebook. judged: null for all its modes, or those that were asked about. present,
    unsure: modes with a label; "I think so" is neither yes nor no. All other judged modes are absent."""
    if said["verdict"] == "abstain":
        return []
    labels = said["labels"]
    if len(labels) == 1 and not said["none"] and not said.get("judged"):  # nearly every vote with a label
        mode, sure = [labels[0]["mode"]], labels[0]["sure"]
        return [
            {**labels[0]["codebook"], "judged": None, "present": mode if sure else [], "unsure": [] if sure else mode}
        ]
    found: dict[str, Row] = {}
    only = {item["codebook"]["id"]: sorted(item["modes"]) for item in said.get("judged", ())}
    for ref in (*said["none"], *(label["codebook"] for label in said["labels"])):
        found.setdefault(ref["id"], {**ref, "judged": only.get(ref["id"]), "present": [], "unsure": []})
    for label in said["labels"]:
        modes = found[label["codebook"]["id"]]["present" if label["sure"] else "unsure"]
        if label["mode"] not in modes:
            modes.append(label["mode"])
    for row in found.values():
        row["present"].sort()
        row["unsure"] = sorted(set(row["unsure"]).difference(row["present"]))
    return [found[book] for book in sorted(found)]


def _by_label(vote: Vote) -> dict[str, Made]:
    """Label id -> the event that made the label what it is: the last one that says just this."""
    wanted = {label["id"]: label for label in vote.decision["labels"]}
    if len(vote.events) == 1:
        return dict.fromkeys(wanted, vote.events[0])
    found: dict[str, Made] = {}
    for made in vote.events:
        for op in made.payload["ops"]:
            label = wanted.get(op["label"]["id"]) if op["op"] == "label" else None
            if label is not None and (label["id"] not in found or _same(label, op["label"])):
                found[label["id"]] = made
    return found


def _same(label: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """But for the link to its cause, which goes when the cause is removed."""
    return all(other.get(key) == value for key, value in label.items() if key != "caused_by")
