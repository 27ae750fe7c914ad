"""The detectors' check at every gate (entry point `review_tui.gate_checks`): what they suspect in the new steps, and
what the policy says of that.

A process that opens gate after gate keeps the detectors of its runs going. One that has not seen the run before shows
them some of the earlier steps first. A detector that fails holds the gate: what it would have found is not known.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from labels import detection, detectors
from labels.codebook import Codebooks, load_all
from labels.codebook_paths import user_codebook_folder, user_codebook_paths
from labels.detecting import Watching
from labels.detectors.base import RunMeta
from labels.policies import check as check_of_policy
from labels.policies import inforce, judging
from labels.policies.inforce import EMPTY, InForce
from labels.policies.judging import Subject
from labels.scoring.calibration import Calibration
from labels.suggestions import Suggestion, calibrated
from sessions.bodies import StoredStep
from sessions.errors import UserError
from sessions.gate_checks import CheckContext, CheckResult
from sessions.keys import key_range
from sessions.run import Flag, Part, Step

#: A process that opens one gate has not seen the run before: it looks at so many earlier steps at most, and so many
#: characters of them, for the detectors to know what came before.
EARLIER_STEPS, EARLIER_CHARS = 40, 20_000
#: The rule that holds because a detector could not do its work.
DETECTOR = "detector-failed"
#: Risk of that, and of what is suspected where nothing holds because of it: the inbox shows that below what does.
_FAILED_RISK, _MOST_SUSPECTED = 0.5, 0.45
#: Runs whose detectors a process keeps at hand.
_KEPT_RUNS = 8

_watching: OrderedDict[tuple[str, str, int], tuple[Watching, int]] = OrderedDict()
_books: list[Codebooks] = []


def _load() -> UserError | None:
    """The codebooks, with the module: that is not counted against the time that a check has."""
    try:
        _books[:] = [load_all(user_codebook_paths(), folder=user_codebook_folder())]
    except UserError as error:
        _books[:] = [load_all([])]
        return error
    return None


_trouble = _load()


def check(context: CheckContext) -> list[CheckResult]:
    """What the detectors and the rules on suspicions say of a gate."""
    found, troubles = suggestions(context)
    results = [CheckResult(DETECTOR, "hold", reason, _FAILED_RISK) for reason in troubles]
    if not found:
        return results
    try:
        rules = inforce.in_force(context.workspace)
    except UserError:  # the policy's own check holds for that
        rules = EMPTY
    asks = any(rule.modes for rule in rules.policy.rules)
    subject = replace(_subject(context, rules, asks), suggestions=found, fatal=fatal_modes())
    results += judging.fatal(rules.policy, subject)
    results += [rules.signed(item) for item in judging.suspected(rules.policy, subject)]
    return [*results, *_rest(found, results)]


def _subject(context: CheckContext, rules: InForce, with_calls: bool) -> Subject:
    """The gate; its calls are read only if a rule may ask for them."""
    return check_of_policy.subject_of(context if with_calls else context._replace(steps=[], proposed=[]), rules)


def _rest(found: list[Suggestion], results: list[CheckResult]) -> list[CheckResult]:
    """What is suspected and not the matter of any rule: for the reviewer, and for the order of the inbox."""
    told = [item for result in results for item in result.suggestions]
    rest = [(item, data) for item in found if (data := item.model_dump(mode="json")) not in told]
    if not rest:
        return []
    best = max((item for item, _ in rest), key=judging.surety)
    risk = min(_MOST_SUSPECTED, best.score / 2)
    return [CheckResult("detectors", "pass", best.rationale, risk, suggestions=[data for _, data in rest])]


def warm_up() -> None:
    """Load the detectors, and let those that are on by default look at a step."""
    found, _ = detectors.load_all()
    call = Part("tool_call", "rm -rf /srv/x", name="bash", arguments={"command": "rm -rf /srv/x"}, call_id="1")
    result = Part("tool_result", "1 failed, exit code 1", name="bash", is_error=True, call_id="1")
    step = Step("agent", "agent", [Part("text", "I look."), call, result])
    watching = Watching(RunMeta("", "", None, "live"), [item for item in found if item.default], _books[0])
    watching.feed([StoredStep(0, "warm", int(Flag.ERROR), step)])


def fatal_modes() -> frozenset[str]:
    """`slug@codebook` of the modes that are fatal, in every codebook of the user's."""
    return frozenset(
        f"{mode.slug}@{book.id}" for book in _books[0] for mode in book.modes if mode.severity.level == "fatal"
    )


def suggestions(context: CheckContext) -> tuple[list[Suggestion], list[str]]:
    """What the detectors that are on suspect in the new steps, and what is wrong with those that could not look."""
    key = (str(context.store.path), context.name, context.segment)
    watching = _taken_up(context, _watching.pop(key, None))
    found = watching.feed(context.steps) if context.steps else []
    if context.final:
        found += watching.finish()
    _watching[key] = (watching, context.first + len(context.steps))
    while len(_watching) > _KEPT_RUNS:
        _watching.popitem(last=False)
    new = {stored.index for stored in context.steps}
    calibration = Calibration.load(context.store) if found else None
    kept = [item for item in found if item.last.index in new or context.final]
    troubles = [f"the detector {state.detector.id} failed: {state.off}" for state in watching.progress if state.off]
    if _trouble is not None:
        troubles.append(f"not all failure modes are known: {_trouble}")
    return [calibrated(item, calibration) for item in kept] if calibration else kept, troubles


def _taken_up(context: CheckContext, known: tuple[Watching, int] | None) -> Watching:
    """The detectors of a run where they left off, or anew."""
    if known is not None and known[1] == context.first:
        return known[0]
    meta = RunMeta(context.task, context.agent, None, "live")
    watching = Watching(meta, detection.enabled(context.store), _books[0])
    if earlier := _earlier(context):
        watching.feed(earlier)
    return watching


def _earlier(context: CheckContext) -> list[StoredStep]:
    """The steps just before the new ones, as many as are read in no time, without those that a rollback undid."""
    if context.no is None or not context.first:
        return []
    low, _ = key_range(context.no)
    sql = "SELECT chars FROM step WHERE k BETWEEN ? AND ? ORDER BY k DESC LIMIT ?"
    count = left = 0
    for (chars,) in context.store.query(sql, [low, low + context.first - 1, EARLIER_STEPS]):
        left += chars
        if left > EARLIER_CHARS:
            break
        count += 1
    steps = context.earlier(context.first - count) if count else ()
    return [stored for stored in steps if not stored.flags & Flag.ABANDONED]


warm_up()
