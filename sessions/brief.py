"""The brief that an agent is handed with every answer: what it must not lose over a long run.

Task, rules and what users said stand in it word for word, never summarised; then what is settled and by whom, what is
open, and for a rollback a machine text on what was undone, so that the agent does not go on building on what is gone.
Texts that are longer than their share end with a note of how much is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sessions import catalog
from sessions.keys import index_of, key_range
from sessions.live.gates import CONSUMED, DECIDED, OPEN, GateDecision, GateInfo, LiveRun, decision_of, gates_of
from sessions.run import Flag
from sessions.store import Store

#: Characters that a section may take. The task and the rules come first in importance.
TASK_CHARS, RULES_CHARS, SAID_CHARS, WORDS_CHARS = 20_000, 20_000, 10_000, 2_000
#: Approved chunks that are listed one by one; older ones are counted.
MOST_SETTLED = 30

NOT_RESTORED = (
    "Files: nobody took the workspace back. Its files are as your later steps left them; look before you rely on any."
)


@dataclass(frozen=True, slots=True)
class Settled:
    """A gate that was decided, and what."""

    gate: GateInfo
    decision: GateDecision


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a brief is made of. said: (step number, text) of users and system. before: decided gates on the line
    that counts, in order, without this one. given_up: earlier rollbacks. waiting: other gates of the run that are open.
    target: the gate gone back to. undone: first and last step index that a rollback undoes. restored: what was done to
    the files."""

    live: LiveRun
    gate: GateInfo
    decision: GateDecision
    task: str
    said: list[tuple[int, str]]
    before: list[Settled]
    given_up: list[Settled]
    waiting: list[GateInfo]
    target: GateInfo | None
    undone: tuple[int, int] | None
    restored: str


def brief_for(store: Store, live: LiveRun, gate: GateInfo, decision: GateDecision, restored: str = "") -> str:
    """The brief that goes with a decision. restored: what was done to the files of a rollback; "" if nothing was."""
    return build(_gather(store, live, gate, decision, restored))


def build(facts: Facts) -> str:
    """The brief as text: sections with a heading each, in the order in which an agent needs them."""
    sections = [
        ("DECISION", _decision(facts)),
        ("THE REVIEWER'S WORDS", _cut(facts.decision.message, WORDS_CHARS * 5)),
        ("WHAT THE REVIEWER FOUND IN THIS CHUNK", _listed(facts.decision.findings)),
        ("UNDONE", _undone(facts)),
        ("TASK, word for word", _cut(facts.task, TASK_CHARS)),
        ("RULES, word for word", _cut("\n".join(facts.live.rules), RULES_CHARS)),
        ("SAID DURING THE RUN, word for word", _said(facts.said)),
        ("SETTLED", _settled(facts)),
        ("GIVEN UP BEFORE: do not try it again", _listed(_given_up(facts))),
        ("OPEN", _listed(_open(facts)) or "Nothing from earlier gates."),
    ]
    return "\n\n".join(f"## {title}\n{text}" for title, text in sections if text) + "\n"


# -- gathering ----------------------------------------------------------------------------------------------------


def _gather(store: Store, live: LiveRun, gate: GateInfo, decision: GateDecision, restored: str) -> Facts:
    run = catalog.run_by_id(store, live.run)
    assert run is not None, "a live run has a row"
    gates = {item.id: item for item in gates_of(store, live.run)}
    target = gates.get(decision.to_gate or "")
    undone = None
    stands = [item for item in gates.values() if item.undone_by is None and item.id != gate.id]
    if decision.verdict == "rollback":
        back_to = target.last if target else -1
        undone = (back_to + 1, run.steps - 1)
        stands = [item for item in stands if target is not None and item.no <= target.no]
    before = _decided(store, stands)
    rolled_back = [item for item in gates.values() if item.undone_by == item.id and item.id != gate.id]
    given_up = _decided(store, rolled_back)[-MOST_SETTLED:]
    waiting = [item for item in stands if item.state == OPEN]
    said = _instructions(store, run.no, run.task or "", undone[0] if undone else run.steps)
    return Facts(live, gate, decision, run.task or "", said, before, given_up, waiting, target, undone, restored)


def _decided(store: Store, gates: Iterable[GateInfo]) -> list[Settled]:
    return [
        Settled(item, made)
        for item in gates
        if item.state in (DECIDED, CONSUMED) and (made := decision_of(store, item.id)) is not None
    ]


def _instructions(store: Store, no: int, task: str, steps: int) -> list[tuple[int, str]]:
    """(step number, text) of what users and system said on the line that counts, without the task itself."""
    low, _ = key_range(no)
    sql = "SELECT k FROM step WHERE k BETWEEN ? AND ? AND role IN ('system', 'user') ORDER BY k"
    found: list[tuple[int, str]] = []
    room = SAID_CHARS
    for row in store.query(sql, [low, low + steps - 1]):
        stored = catalog.step(store, no, index_of(row[0]))
        text = "\n".join(part.text for part in stored.step.parts if part.kind == "text")
        if stored.flags & Flag.ABANDONED or text.strip() in ("", task.strip()):
            continue
        found.append((stored.number, text))
        room -= len(text)
        if room < 0:
            break
    return found


# -- wording ------------------------------------------------------------------------------------------------------


def _decision(facts: Facts) -> str:
    made, gate = facts.decision, facts.gate
    who = f"the rule {made.rule}" if made.how == "policy" else made.who
    where = f"gate {gate.key!r}" + (f" ({_steps(gate.first, gate.last)})" if gate.has_steps else "")
    this = where[0].upper() + where[1:]
    if made.verdict == "approve":
        text = f"{this} is approved by {who}. " + ("The run is over." if gate.final else "Go on.")
        edited = " The proposed calls were changed: make them as they stand in `edited`, not as you proposed them."
        return text + (edited if made.edited is not None else "")
    if made.verdict == "rollback":
        return f"At {where}, {who} rolled the run back to {_place(facts.target)}. Go on from there, differently."
    if made.verdict == "reject":
        what = "Do not make the calls that you proposed" if gate.proposed else "Do not go on as you meant to"
        return f"{this} is rejected by {who}. {what}; the run goes on."
    return f"The run is stopped at {where} by {who}. Do nothing more."


def _undone(facts: Facts) -> str:
    if facts.undone is None:
        return ""
    first, last = facts.undone
    gone = f"{_steps(first, last)} {'is' if first == last else 'are'} undone" if last >= first else "No step is undone"
    return "\n".join(
        [
            f"{gone[0].upper()}{gone[1:]}. The run stands where it stood at {_place(facts.target)}.",
            "What you remember of the time after it belongs to an attempt that was given up: do not build on it.",
            facts.restored or NOT_RESTORED,
            "Effects outside the workspace (messages sent, other machines, remote databases) are not undone.",
        ]
    )


def _place(target: GateInfo | None) -> str:
    if target is None:
        return "its beginning, before step 1"
    after = f", after step {target.last + 1}" if target.last >= 0 else ""
    return f"gate {target.key!r}{after}"


def _said(said: Sequence[tuple[int, str]]) -> str:
    return _cut("\n".join(f"[step {number}] {text}" for number, text in said), SAID_CHARS)


def _settled(facts: Facts) -> str:
    approved = [item for item in facts.before if item.decision.verdict == "approve"]
    if facts.decision.verdict == "approve":
        approved.append(Settled(facts.gate, facts.decision))
    if not approved:
        return "Nothing yet."
    left_out = len(approved) - MOST_SETTLED
    lines = [f"- {left_out} earlier gates, approved"] if left_out > 0 else []
    for item in approved[-MOST_SETTLED:]:
        gate, made = item.gate, item.decision
        who = f"rule {made.rule}" if made.how == "policy" else made.who
        what = _steps(gate.first, gate.last) if gate.has_steps else "proposed calls"
        stage = f", stage {gate.stage}" if gate.stage else ""
        words = f": {_cut(made.message, WORDS_CHARS)}" if made.message and item.gate is not facts.gate else ""
        lines.append(f"- {gate.key} ({what}{stage}), approved by {who}{words}")
    return "\n".join(lines)


def _given_up(facts: Facts) -> Iterable[str]:
    """Earlier rollbacks with the reviewers' words: their steps are gone, what was wrong with them is not."""
    for item in facts.given_up:
        gate, made = item.gate, item.decision
        what = _steps(gate.first, gate.last) if gate.has_steps else "the proposed calls"
        words = "; ".join([*([_cut(made.message, WORDS_CHARS)] if made.message else []), *made.findings])
        yield f"{gate.key} ({what}), rolled back by {made.who}: {words or 'no reason given'}"


def _open(facts: Facts) -> Iterable[str]:
    """What was refused and not settled since, and what still waits for somebody."""
    for item in facts.before:
        made = item.decision
        if made.verdict == "reject" and not _settled_since(item, facts):
            yield f"{item.gate.key} was rejected by {made.who}: {_cut(made.message, WORDS_CHARS) or 'no reason given'}"
    if facts.decision.verdict == "reject":
        yield f"{facts.gate.key}: find another way to what you proposed, or ask"
    if facts.undone is not None:
        yield "what the undone steps were to achieve, as far as the task asks for it"
    for gate in facts.waiting:
        yield f"{gate.key} waits for a decision"


def _settled_since(item: Settled, facts: Facts) -> bool:
    later = [other for other in facts.before if other.gate.no > item.gate.no and other.decision.verdict == "approve"]
    return bool(later) or facts.decision.verdict == "approve"


def _steps(first: int, last: int) -> str:
    """Steps by their numbers, from 1."""
    return f"step {first + 1}" if first == last else f"steps {first + 1} to {last + 1}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{text[:most]}\n[{len(text) - most:,} more characters are left out here]"
