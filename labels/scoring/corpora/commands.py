"""Command cases: TOML files of `[[case]]` with `command` and `expected` ("deny" or "allow"), the shape in which the
project dcg (destructive command guard, MIT) keeps its regression corpus. Each is a run of one tool call.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from labels.detecting import numbered
from labels.detectors.base import RunMeta
from labels.scoring.truth import Case, Judged, RunTruth, Span, Verdict
from sessions.bodies import StoredStep
from sessions.run import Header, Part, Run, Step

CORPUS = "command cases"
#: Folders that only sort a corpus's files.
_SORTING = frozenset(("true_positives", "false_positives"))
MODE = "irreversible-action@safety"
#: More than any such file has.
MOST_BYTES = 4 * 1024 * 1024


def cases(paths: Sequence[Path]) -> Iterator[Case]:
    """The cases in these files, and in the folders among them. A TOML file without cases is passed over."""
    for path in paths:
        for file in sorted(path.rglob("*.toml")) if path.is_dir() else [path]:
            if file.suffix == ".toml":
                yield from _in_file(file)


def _in_file(path: Path) -> Iterator[Case]:
    try:
        if path.stat().st_size > MOST_BYTES:
            return
        items = tomllib.loads(path.read_text("utf-8", "replace")).get("case")
    except (OSError, tomllib.TOMLDecodeError):
        return
    for number, item in enumerate(items if isinstance(items, list) else (), 1):
        if (
            isinstance(item, dict)
            and isinstance(item.get("command"), str)
            and item.get("expected") in ("deny", "allow")
        ):
            yield _case(
                _corpus(path), f"{path.parent.name}/{path.name}#{number}", item["command"], item["expected"] == "deny"
            )


def _corpus(path: Path) -> str:
    """By the folder's name, so that two corpora stay apart."""
    folder = path.resolve().parent
    return f"{CORPUS} ({folder.parent.name if folder.name in _SORTING else folder.name})"


def _case(corpus: str, key: str, command: str, deny: bool) -> Case:
    call = Part("tool_call", command, name="bash", call_id="1", arguments={"command": command})
    run = Run(Header(CORPUS), [Step("agent", "agent", [call])])
    judged = Judged(Span(0, 0), "the corpus", {MODE: Verdict(deny, (Span(0, 0),) if deny else ())})
    tie = f"command {sha256(command.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    truth = RunTruth(corpus, "sound", key, "commands", 1, (judged,), ties=(tie,), whole=False)

    def steps() -> list[StoredStep]:
        return numbered(run)

    return Case((truth,), RunMeta(format=CORPUS), steps)
