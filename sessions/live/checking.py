"""Asking the checks of `sessions.gate_checks`, holding them to their time, and putting together what they say."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from sessions.gate_checks import ACTIONS, ENTRY_POINTS, LIMIT_S, LOADING_S, WALL_LIMIT_S, CheckContext, CheckResult
from sessions.jsontext import dumps, too_deep

CheckFunction = Callable[[CheckContext], list[CheckResult]]
#: The rule recorded where a check could not be asked.
FAILED = "check-failed"
_POLL_S = 0.005
_MAX_TEXT, _MAX_RESULTS, _MAX_SUGGESTIONS, _MAX_DATA = 2_000, 100, 200, 2_000_000


class Checked(NamedTuple):
    """All results, by the name of their check, and what follows from them. verdict: `approve`, `reject` or `stop` by
    policy, None where a person decides. needs: how many people must approve. reason: of the riskiest result; if any
    holds, of the riskiest that does."""

    results: Sequence[tuple[str, CheckResult]] = ()
    verdict: CheckResult | None = None
    needs: int = 1
    risk: float = 0.0
    reason: str = ""
    suggestion: Any = None


@cache
def points() -> dict[str, str]:
    """The checks that are installed: name -> "module:function"."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def ask(context: CheckContext, known: dict[str, str] | None = None) -> Checked:
    """Ask all checks. known: name -> "module:function" instead of those that are installed. Never raises."""
    results: list[tuple[str, CheckResult]] = []
    for name, target in sorted((points() if known is None else known).items()):
        results += [(name, result) for result in _ask_one(name, target, context)]
    return together(results)


def together(results: Sequence[tuple[str, CheckResult]]) -> Checked:
    """What follows from the results of all checks."""
    if not results:
        return Checked()
    said = [result for _, result in results]
    needs = max(result.needs for result in said)
    riskiest = max(said, key=_risk)
    holds = [result for result in said if result.action == "hold"]
    suspecting = [result for result in said if result.suggestions]
    return Checked(
        results=results,
        verdict=None if holds or needs > 1 else _by_policy(said),
        needs=needs,
        risk=riskiest.risk,
        reason=(max(holds, key=_risk) if holds else riskiest).reason,
        suggestion=max(suspecting, key=_risk).suggestions[0] if suspecting else None,
    )


def _risk(result: CheckResult) -> float:
    return result.risk


def _by_policy(said: Sequence[CheckResult]) -> CheckResult | None:
    """The rule that decides where nothing holds: the most careful verdict wins."""
    for action in ("stop", "reject", "approve"):
        for result in said:
            if result.action == action:
                return result
    return None


def _ask_one(name: str, target: str, context: CheckContext) -> list[CheckResult]:
    if target not in _loaded:
        loading = _Job(lambda: _load(target))
        if not loading.ends_within(LOADING_S, LOADING_S):
            return [_held(name, f"could not be loaded within {LOADING_S:g} s")]
        if loading.error is not None:
            return [_held(name, f"could not be loaded ({_words(loading.error)})")]
        _loaded.add(target)
    function = _load(target)

    def call() -> Any:
        try:
            return function(context)
        finally:
            context.store.close_thread()

    asking = _Job(call)
    if not asking.ends_within(LIMIT_S, WALL_LIMIT_S):
        return [_held(name, f"took longer than {LIMIT_S * 1000:g} ms")]
    if asking.error is not None:
        return [_held(name, f"failed ({_words(asking.error)})")]
    try:
        return list(_sane(asking.result))
    except (TypeError, ValueError) as error:
        return [_held(name, f"answered nonsense ({_words(error)})")]


#: Checks that are at hand: asking them needs no thread to load them in.
_loaded: set[str] = set()


@cache
def _load(target: str) -> CheckFunction:
    module, _, attribute = target.partition(":")
    function: CheckFunction = getattr(import_module(module), attribute)
    return function


def _held(name: str, why: str) -> CheckResult:
    return CheckResult(FAILED, "hold", f"the check {name!r} {why}, so a person must decide.", risk=1.0)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200]


def _sane(results: Iterable[Any]) -> Iterable[CheckResult]:
    """The results, if they are what a check may answer. Raises ValueError or TypeError."""
    if not isinstance(results, (list, tuple)) or len(results) > _MAX_RESULTS:
        raise TypeError("a list of results was expected")
    for result in results:
        if not isinstance(result, CheckResult) or result.action not in ACTIONS:
            raise ValueError(f"no result: {result!r}"[:100])
        if not result.rule or not 0 <= float(result.risk) <= 1 or not 1 <= int(result.needs) <= 20:
            raise ValueError(f"rule {result.rule!r}: rule, risk or needs")
        if len(result.suggestions) > _MAX_SUGGESTIONS or too_deep(list(result.suggestions)):
            raise ValueError(f"rule {result.rule!r}: too many suggestions, or too deep")
        facts = dict(result.facts) if result.facts is not None else None
        if facts is not None and too_deep(facts):
            raise ValueError(f"rule {result.rule!r}: facts too deep")
        if len(dumps([list(result.suggestions), facts])) > _MAX_DATA:
            raise ValueError(f"rule {result.rule!r}: suggestions or facts too large")
        rule, reason, message = (text[:_MAX_TEXT] for text in (result.rule, result.reason, result.message))
        yield result._replace(rule=rule, reason=reason, message=message, facts=facts)


class _Job:
    """A call in a thread of its own, which is left behind if it takes too long: Python cannot end it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._call = call
        self._used = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="gate check")
        self._thread.start()

    def _run(self) -> None:
        begun = time.thread_time()
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        self._used = time.thread_time() - begun
        self._done.set()

    def ends_within(self, cpu_s: float, wall_s: float) -> bool:
        """Whether it ends having used so much processor time and time on the clock, at most."""
        begun = time.monotonic()
        end = begun + wall_s
        while not self._done.wait(_POLL_S if time.monotonic() - begun > cpu_s else cpu_s):
            if time.monotonic() >= end or self._cpu() > cpu_s:
                return False
        return self._used <= cpu_s and time.monotonic() <= end

    def _cpu(self) -> float:
        """Processor time so far; endless where the system does not tell, so that only the clock counts."""
        number = self._thread.native_id
        if not sys.platform.startswith("linux") or number is None:
            return float("inf")
        try:
            # The clock of a thread by its number (CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED in the kernel). Unlike
            # pthread_getcpuclockid this is safe for a thread that has just ended.
            return time.clock_gettime((~number << 3) | 6)
        except OSError:
            return 0.0
