"""Answers of agentdash 0.1.0, the judge that MAST's authors publish, as suggestions of the detector `agentdash`.

agentdash says yes or no to each of 14 codes for a run as a whole, and writes one summary; it names no step, no
confidence, and not its own version. What is made of that here:

- A "yes" becomes a suggestion over the whole run. Every suggestion has to quote something: where one mode alone is
  claimed and the summary quotes passages that stand in the run, those are its evidence. Otherwise the last words of the
  run are marked, and the rationale says that this is only where the run ends and that the tool gave no evidence.
- The score is 0.5 for all: the tool gives none.
- A "no" is kept too, as a look that found nothing.
- Codes are read through the crosswalk `mast-judge`: its 3.2 and 3.3 go by other names than the paper's.
- The tool reads its model's answer with an expression that takes the first yes or no after a code, also out of a mode's
  own name ("3.2 No or Incorrect Verification: yes", "2.5 Ignored ...: yes" both become no), and takes silence on a
  code for a no. The raw answer, which it keeps, is read again here, line by line; where a line says otherwise, the line
  counts, and a code without a line is no "no". Both are reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from labels import suggestions as kept
from labels.codebook_model import Codebook, Crosswalk, Mode
from labels.judge.keep import looked
from labels.model import Evidence, StepRef
from labels.suggestions import Suggestion
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.jsontext import BadJson, canonical, loads
from sessions.store import Store

DETECTOR = "agentdash"
#: The only release so far, and the one whose output is read here; the output itself does not say.
TOOL_VERSION = "0.1.0"
SCORE = 0.5
_LARGEST_FILE = 200_000_000
#: Keys under which people name the run that an answer is about, and those under which the answer then lies.
_RUN_KEYS = ("run", "run_id", "trace_id", "trace_name", "id", "path", "file", "name")
_ANSWER_KEYS = ("annotation", "result", "agentdash", "mast_annotation", "output")
_LONGEST_QUOTE, _SHORTEST_QUOTE, _MOST_QUOTES = 300, 12, 4


@dataclass(frozen=True, slots=True)
class Annotation:
    """One answer. run: what names its run in the file, None where nothing does. said: code -> yes. reread: codes on
    which the raw answer says otherwise than the tool made of it. silent: codes on which it says nothing."""

    run: str | None
    said: Mapping[str, bool]
    summary: str
    completed: bool | None
    reread: tuple[str, ...]
    silent: tuple[str, ...]
    digest: str


@dataclass(slots=True)
class Import:
    """What became of one answer. unknown: codes that the crosswalk does not have."""

    run: RunInfo
    annotation: Annotation
    found: list[Suggestion] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    quoted: int = 0


# -- reading --------------------------------------------------------------------------------------------------------


def read_file(path: Path) -> list[Annotation]:
    """All answers in a file: one object, a list, an object of run -> answer, or one object a line. Raises UserError."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UserError(f"{path} is larger than {_LARGEST_FILE:,} bytes.", "Split it.")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Check the path.") from None
    found = list(_annotations(_document(data, path), None))
    if not found:
        raise UserError(
            f"{path} holds no answer of agentdash.",
            "It is what `produce_taxonomy` returns, written with json.dump: an object with failure_modes.",
        )
    return found


def _document(data: bytes, path: Path) -> Any:
    try:
        return loads(data)
    except BadJson as error:
        try:
            rows = [loads(row) for row in data.splitlines() if row.strip()]
        except BadJson:
            rows = []
        if not rows:
            raise UserError(f"{path}: {error}.", "Write agentdash's answer with json.dump.") from None
        return rows


def _annotations(value: Any, name: str | None) -> Iterator[Annotation]:
    """Whatever answers there are in a document, with the name of the run that stands nearest."""
    if isinstance(value, list):
        for item in value:
            yield from _annotations(item, None)
        return
    if not isinstance(value, dict):
        return
    named = next((str(value[key]) for key in _RUN_KEYS if isinstance(value.get(key), (str, int))), name)
    if isinstance(value.get("failure_modes"), dict):
        yield _annotation(value, named)
        return
    inner = [value[key] for key in _ANSWER_KEYS if isinstance(value.get(key), dict)]
    for item in inner[:1]:
        yield from _annotations(item, named)
    if not inner:
        for key, item in value.items():
            if isinstance(item, dict) and isinstance(item.get("failure_modes"), dict):
                yield from _annotations(item, str(key))


def _annotation(value: dict[str, Any], run: str | None) -> Annotation:
    said = {str(code).strip(): _yes(mark) for code, mark in value["failure_modes"].items()}
    raw = _lines(value.get("raw_response"))
    reread = tuple(sorted(code for code in said if code in raw and raw[code] != said[code]))
    silent = tuple(sorted(code for code in said if raw and code not in raw and not said[code]))
    heard = {code: yes for code, yes in said.items() if code not in silent}
    completed = value.get("task_completion")
    return Annotation(
        run=run,
        said=heard | {code: raw[code] for code in reread},
        summary=" ".join(str(value.get("summary") or "").split())[:2_000],
        completed=completed if isinstance(completed, bool) else None,
        reread=reread,
        silent=silent,
        digest=sha256(canonical(value)).hexdigest()[:12],
    )


def _yes(mark: Any) -> bool:
    return mark in (1, True) or (isinstance(mark, str) and mark.strip().lower() in ("1", "yes", "true"))


_LINE = re.compile(r"[\s*#>|-]{0,10}(?:C[. ]{0,2})?(\d\.\d{1,2})\b(.{0,200})\Z", re.IGNORECASE)
_LAST_WORD = re.compile(r"\b(yes|no)\b[\W_]{0,20}\Z", re.IGNORECASE)


def _lines(raw: Any) -> dict[str, bool]:
    """Code -> yes, from the lines of a raw answer that begin with a code and end with yes or no. A code that has two
    different ones is left out."""
    found: dict[str, set[bool]] = {}
    for line in raw[:500_000].splitlines() if isinstance(raw, str) else ():
        match = _LINE.match(line.strip())
        if match and (word := _LAST_WORD.search(match[2])):
            found.setdefault(match[1], set()).add(word[1].lower() == "yes")
    return {code: values.pop() for code, values in found.items() if len(values) == 1}


# -- keeping --------------------------------------------------------------------------------------------------------


def import_annotation(
    store: Store, run: RunInfo, annotation: Annotation, book: Codebook, *, version: str = TOOL_VERSION, source: str = ""
) -> Import:
    """Keep an answer on a run; what an earlier one said there is replaced. book: MAST's codebook. source: the file's
    name. Raises UserError for a run without text, or a codebook without the crosswalk."""
    table = book.crosswalk("agentdash")
    if table is None:
        raise UserError(f"the codebook {book.id} has no crosswalk from agentdash.", "Use the built-in codebook mast.")
    result = Import(run, annotation)
    modes = list(_modes(book, table, annotation, result.unknown))
    if modes:
        first, last, quotes, mark = _passages(store, run, annotation.summary if len(modes) == 1 else "")
        result.quoted = len(quotes)
        for mode in modes:
            result.found.append(
                Suggestion(
                    mode=mode.slug, code=mode.code, name=mode.name, codebook=book.ref, first=first, last=last,
                    evidence=tuple(quotes) or (mark,), score=SCORE, detector=DETECTOR, version=version,
                    rationale=_rationale(annotation, bool(quotes)),
                )
            )  # fmt: skip
    with store.write() as tx:
        kept.write(tx, run, result.found)
        kept.replace(tx, run, DETECTOR, [item.id for item in result.found])
        reason = _reason(annotation, len(result.found), source)
        looked(tx, run, DETECTOR, version, annotation.digest, reason=reason, found=len(result.found))
    return result


def _modes(book: Codebook, table: Crosswalk, annotation: Annotation, unknown: list[str]) -> Iterator[Mode]:
    for code, yes in sorted(annotation.said.items()):
        entry = table.find(code)
        if entry is None or not entry.to:
            unknown.append(code)
        elif yes:
            yield from (book.by_slug[slug] for slug in entry.to)


def _rationale(annotation: Annotation, quoted: bool) -> str:
    said = f' Its summary of the run: "{annotation.summary}"' if annotation.summary else ""
    if quoted:
        return f"agentdash says yes for the run as a whole; its summary quotes the passage.{said}"[:1000]
    return (
        "agentdash says yes for the run as a whole and names no step and no evidence: the passage only marks where the"
        f" run ends.{said}"
    )[:1000]


def _reason(annotation: Annotation, found: int, source: str) -> str:
    done = {True: "; it takes the task for completed", False: "; it takes the task for not completed", None: ""}
    where = f" from {source}" if source else ""
    silent = f"; silent on {', '.join(annotation.silent)}" if annotation.silent else ""
    return f"imported{where}: yes to {found} of {len(annotation.said)} modes{silent}{done[annotation.completed]}"[:1000]


_QUOTED = re.compile(r"[\"“«]([^\"“”«»]{12,300})[\"”»]|`([^`]{12,300})`|(?<!\w)'([^']{12,300})'(?!\w)")


def _passages(store: Store, run: RunInfo, summary: str) -> tuple[StepRef, StepRef, list[Evidence], Evidence]:
    """First and last step, passages of the run that the summary quotes, and the last words of the run."""
    wanted = {next(text for text in match.groups() if text).strip() for match in _QUOTED.finditer(summary)}
    first = last = mark = None
    quotes: list[Evidence] = []
    for stored in catalog.steps(store, run.no):
        ref = StepRef(id=stored.id, index=stored.index)
        first, last = first or ref, ref
        for place, part in enumerate(stored.step.parts):
            if not part.text.strip() or part.kind == "raw":
                continue
            mark = _line(ref, place, part.text)
            for text in sorted(wanted):
                at = part.text.find(text)
                if at >= 0 and len(quotes) < _MOST_QUOTES:
                    wanted.discard(text)
                    quotes.append(Evidence(step=ref, part=place, start=at, end=at + len(text), quote=text))
    if first is None or last is None or mark is None:
        raise UserError(f"run {run.id[:8]} has no text that a suggestion could point at.")
    return first, last, quotes, mark


def _line(ref: StepRef, part: int, text: str) -> Evidence:
    """The last line of a text that is not blank, as far as a quote goes."""
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    while text[start].isspace():
        start += 1
    end = min(end, start + _LONGEST_QUOTE)
    return Evidence(step=ref, part=part, start=start, end=end, quote=text[start:end])


Finder = Callable[[str], RunInfo]


def matched(annotations: list[Annotation], find: Finder, run: str | None) -> Iterator[tuple[RunInfo, Annotation]]:
    """Each answer with its run: the one that was named for it, or the one that the file names. Raises UserError."""
    if run is not None:
        if len(annotations) != 1:
            raise UserError(
                f"the file holds {len(annotations)} answers, and --run names one run.",
                "Give each answer a key `run` in the file instead.",
            )
        yield find(run), annotations[0]
        return
    for number, annotation in enumerate(annotations, start=1):
        if annotation.run is None:
            raise UserError(f"answer {number} names no run.", "Say which with --run, or give it a key `run`.")
        yield find(annotation.run), annotation
