"""Labelled corpora: runs in files with labels inside them or in a file beside them, as others publish them.

| corpus | where its labels stand | what they say |
|---|---|---|
| MAST human labels | in each row: three annotators, three drafts of the codebook | modes (doubtful, see `inside`) |
| MAST trace notes | in each trace: one annotator's checklist | modes |
| AG2 gold labels | `gold_labels*.json` beside the runs | modes |
| Who&When | in each run | the decisive step |
| AgentRx | one JSON list beside the runs | the root cause's step |
| tau-bench | in each run: the reward | whether the run reached its goal |
| reference labels | `reference_labels.json` beside the runs (the shape of `sample_traces`) | modes, steps, evidence |
| command cases | TOML: `[[case]]` with `command` and `expected` | whether a command is irreversible |

Files are known by their content. Runs are read one by one and never all held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from labels.codebook import Codebooks
from labels.detecting import meta_of, numbered
from labels.scoring.corpora import commands, inside, sidecars
from labels.scoring.corpora.sidecars import Sidecar
from labels.scoring.truth import Account, Case, RunTruth
from sessions import discover, readers
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.run import Header, Problem, Run, Step, apply_facts


def cases(paths: Sequence[Path], codebooks: Codebooks, account: Account) -> Iterator[Case]:
    """Every labelled run, and every labelled command, under these paths.

    Raises UserError for a path that is not there, and, at the end, where nothing had a label.
    """
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no file or folder {path}.", "Check the path.")
    beside = sidecars.find(paths)
    rows: list[RunTruth] = []
    for case in commands.cases(paths):
        rows += case.truths
        yield case
    folders = [_home(path, beside) for path in paths]
    for found in discover.find(list(dict.fromkeys(folders))):
        for run in runs_of(found.path, found.format):
            truths = truths_of(run, found.path, beside, codebooks, account)
            if truths:
                rows += truths
                steps = numbered(run)
                yield Case(tuple(truths), meta_of(run), lambda steps=steps: steps)  # type: ignore[misc]
    if not rows:
        names = ", ".join(str(path) for path in paths)
        raise UserError(f"there are no labels in {names}.", "docs/detectors.md lists the labelled corpora it can read.")
    for file in beside:
        account.left_out += Counter(file.unmatched())
    _sum_up(rows, account)


def _home(path: Path, beside: Sequence[Sidecar]) -> Path:
    """Where the runs are: for a label file that was named by itself, its folder."""
    return path.parent if any(file.path == path for file in beside) else path


def runs_of(path: Path, format: str) -> Iterator[Run]:
    """The runs in a file, one at a time. What cannot be read of them is left out, as everywhere."""
    run: Run | None = None
    for record in readers.read(path, format):
        if isinstance(record, Header):
            if run is not None:
                yield run
            run = Run(record)
        elif isinstance(record, Step) and run is not None:
            run.steps.append(record)
        elif not isinstance(record, (Step, Problem)) and run is not None:
            apply_facts(run.header, record)
    if run is not None:
        yield run


def truths_of(
    run: Run, path: Path, beside: Sequence[Sidecar], codebooks: Codebooks, account: Account
) -> list[RunTruth]:
    """All that is known of a run, per corpus; [] for one without steps or labels."""
    if not run.steps:
        return []
    ties = [f"content {content_id(run.steps)}"]
    if run.header.task:
        ties.append(f"task {sha256(run.header.task.strip().encode('utf-8', 'surrogatepass')).hexdigest()[:16]}")
    found = list(inside.truths(run, path, tuple(ties), codebooks, account))
    for file in beside:
        found += file.truths(run, path, tuple(ties), codebooks)
    staged = [truth for truth in found if truth.trust == "staged"]  # then its own labels are the author's as well
    return staged or found


def _sum_up(rows: Sequence[RunTruth], account: Account) -> None:
    """One line for each corpus: how much of it there is."""
    for corpus in dict.fromkeys(truth.corpus for truth in rows):
        mine = [truth for truth in rows if truth.corpus == corpus]
        judged = [truth for truth in mine if truth.judged]
        what = [f"{len(mine):,} {'runs' if any(truth.whole for truth in mine) else 'commands'}"]
        if judged and any(truth.whole for truth in mine):
            what.append(f"modes of {len(judged):,}")
        if steps := sum(truth.decisive is not None for truth in mine):
            what.append(f"decisive steps of {steps:,}")
        if outcomes := [truth.good for truth in mine if truth.good is not None]:
            what.append(f"outcomes of {len(outcomes):,}, {sum(outcomes):,} good")
        account.used.append(f"{corpus}: {', '.join(what)}")
        blocks = {tie for truth in judged for tie in truth.ties if tie.startswith("annotation ")}
        if blocks and len(blocks) < len(judged):
            account.doubts.append(
                f"{corpus}: {len(judged)} rows share {len(blocks)} distinct annotation blocks, so most labels belong to"
                " another run. Each block counts once for intervals; the figures stand apart."
            )
