"""The station's own check at every gate (entry point `review_tui.gate_checks`): detectors look at the new steps, then
the policy judges what they do.

The policy is the user's file: $REVIEW_TUI_POLICY, or `policy.toml` in the configuration folder. Never one in the
workspace, which the agent can write. A file that cannot be read makes this check fail, and so holds the gate.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path

from labels import detection
from labels.codebook import load_all
from labels.commands import judge_command
from labels.detecting import Watching
from labels.detectors.base import RunMeta
from labels.policies.judging import Subject, judge
from labels.policies.model import POLICY, Policy
from labels.policies.touching import touches
from labels.suggestions import Suggestion
from sessions.bodies import StoredStep
from sessions.gate_checks import CheckContext, CheckResult
from sessions.run import Flag
from sessions.workspace.database import default_folder

POLICY_VARIABLE = "REVIEW_TUI_POLICY"
#: A process that opens one gate has not seen the run before: it looks at so many earlier steps, or characters of them,
#: for the detectors to know what came before, and takes no longer for it.
EARLIER_STEPS, EARLIER_CHARS, EARLIER_S = 60, 60_000, 0.015
#: Runs whose detectors a process keeps at hand.
_KEPT_RUNS = 8

# Loaded with the module, which is not counted against the time that a check has: codebooks, and the parsers.
_BOOKS = load_all([])
_FATAL = frozenset(f"{mode.slug}@{book.id}" for book in _BOOKS for mode in book.modes if mode.severity.level == "fatal")
judge_command("sudo rm -rf /var/lib/x; psql -c 'DROP TABLE t'")
_watching: OrderedDict[tuple[str, str, int], tuple[Watching, int]] = OrderedDict()
_read: dict[Path, tuple[tuple[int, int], Policy]] = {}


def policy_path() -> Path:
    """Where the policy of this user stands; the file need not exist."""
    if named := os.environ.get(POLICY_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("review-tui", appauthor=False) / "policy.toml"


def policy() -> Policy:
    """The policy in force; an empty one without a file. Raises UserError for a file that cannot be used."""
    path = policy_path()
    try:
        status = path.stat()
    except FileNotFoundError:
        if POLICY_VARIABLE in os.environ:
            return POLICY.read(path)  # a policy that was named and is not there is no empty policy
        return Policy()
    stamp = (status.st_mtime_ns, status.st_size)
    if path not in _read or _read[path][0] != stamp:
        _read[path] = (stamp, POLICY.read(path))
    return _read[path][1]


def check(context: CheckContext) -> list[CheckResult]:
    """What detectors and the policy say of a gate. Raises UserError for a policy that cannot be used."""
    rules = policy()
    found = suggestions(context)
    subject = Subject(
        agent=context.agent,
        run=context.name,
        stage=context.stage,
        final=context.final,
        steps=len(context.steps),
        errors=any(stored.flags & Flag.ERROR for stored in context.steps),
        touches=touches(context.steps, context.proposed, context.workspace),
        suggestions=found,
        fatal=_FATAL,
        own=own_paths(context.store.path),
    )
    results = judge(rules, subject, datetime.now(UTC))
    told = {item["detector"] for result in results for item in result.suggestions}
    rest = [item for item in found if item.detector not in told]
    if rest:
        data = [item.model_dump(mode="json") for item in rest]
        best = max(rest, key=lambda item: item.score)
        results.append(CheckResult("detectors", "pass", best.rationale, min(0.45, best.score / 2), suggestions=data))
    return results


def own_paths(database: Path) -> list[str]:
    """What an agent under review must leave alone: the database, and the folder of the snapshots."""
    return [str(database.absolute()), str(default_folder())]


def suggestions(context: CheckContext) -> list[Suggestion]:
    """What the detectors that are on suspect in the new steps."""
    key = (str(context.store.path), context.name, context.segment)
    known = _watching.pop(key, None)
    if known is None or known[1] != context.first:
        meta = RunMeta(context.task, context.agent, None, "live")
        watching = Watching(meta, detection.enabled(context.store), _BOOKS)
        earlier = _earlier(context)
        if earlier:
            watching.feed(earlier)
    else:
        watching = known[0]
    found = watching.feed(context.steps) if context.steps else []
    if context.final:
        found += watching.finish()
    _watching[key] = (watching, context.first + len(context.steps))
    while len(_watching) > _KEPT_RUNS:
        _watching.popitem(last=False)
    new = {stored.index for stored in context.steps}
    return [item for item in found if item.last.index in new or context.final]


def _earlier(context: CheckContext) -> list[StoredStep]:
    """The steps just before the new ones, as many as there is time for, without those that a rollback undid."""
    begun, chars = time.perf_counter(), 0
    found: list[StoredStep] = []
    for stored in context.earlier(max(0, context.first - EARLIER_STEPS)):
        chars += sum(len(part.text) for part in stored.step.parts)
        if time.perf_counter() - begun > EARLIER_S:
            break
        if not stored.flags & Flag.ABANDONED:
            found.append(stored)
    while found and chars > EARLIER_CHARS:
        chars -= sum(len(part.text) for part in found.pop(0).step.parts)
    return found
