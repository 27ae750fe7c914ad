"""The brief that an agent is handed with every answer: what it must not lose over a long run.

Task, rules and what users said stand in it word for word, never summarised; then what is settled and by whom, what is
open, and for a rollback a machine text on what was undone, so that the agent does not go on building on what is gone.
Texts that are longer than their share end with a note of how much is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sessions.jsontext import loads
from sessions.keys import index_of, key_range
from sessions.live.gates import OPEN, GateDecision, GateInfo, LiveRun, checks_of, gate_by_id
from sessions.run import Flag
from sessions.store import Store

#: Characters that a section may take. The task and the rules come first in importance.
TASK_CHARS, RULES_CHARS, SAID_CHARS, WORDS_CHARS = 20_000, 20_000, 10_000, 2_000
#: Approved chunks that are listed one by one; older ones are counted.
MOST_SETTLED = 30

NOT_RESTORED = (
    "Files: nobody took the workspace back. Its files are as your later steps left them; look before you rely on any."
)


class Settled(NamedTuple):
    """A gate that was decided before. first, last: indices of its steps; last < first where there are none."""

    no: int
    key: str
    first: int
    last: int
    stage: str | None
    who: str
    how: str
    rule: str
    message: str
    findings: str

    @property
    def what(self) -> str:
        return _steps(self.first, self.last) if self.last >= self.first else "proposed calls"

    @property
    def by(self) -> str:
        return f"rule {self.rule}" if self.how == "policy" else self.who


class Facts(NamedTuple):
    """All that a brief is made of. said: (step number, text) of users and system. approved, rejected: the latest gates
    on the line that counts, in order, without this one; earlier: how many more were approved. given_up: earlier
    rollbacks. waiting: other gates of the run that are open. stage: what the checks want the agent to know. target: the
    gate gone back to. undone: first and last step index that a rollback undoes. restored: what was done to the files.
    """

    live: LiveRun
    gate: GateInfo
    decision: GateDecision
    task: str
    said: list[tuple[int, str]]
    approved: list[Settled]
    earlier: int
    rejected: list[Settled]
    given_up: list[Settled]
    waiting: list[str]
    stage: list[str]
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
        ("STAGE", "\n".join(facts.stage)),
        ("SETTLED", _settled(facts)),
        ("GIVEN UP BEFORE: do not try it again", _listed(_given_up(facts))),
        ("OPEN", _listed(_open(facts)) or "Nothing from earlier gates."),
    ]
    return "\n\n".join(f"## {title}\n{text}" for title, text in sections if text) + "\n"


# -- gathering ----------------------------------------------------------------------------------------------------


def _gather(store: Store, live: LiveRun, gate: GateInfo, decision: GateDecision, restored: str) -> Facts:
    no, steps, task = store.query("SELECT no, steps, task FROM run WHERE id = ?", [live.run])[0]
    target = gate_by_id(store, decision.to_gate) if decision.to_gate else None
    undone = None
    if decision.verdict == "rollback":
        undone = (target.last + 1 if target else 0, steps - 1)
    # After a rollback only what came before the gate gone back to is settled, and this gate is not among it.
    until = gate.no if undone is None else target.no + 1 if target else 0
    counts = _counts(store, gate.run, until)
    approved = _latest(store, gate.run, until, "approve") if counts.get("approve") else []
    rejected = _latest(store, gate.run, until, "reject") if counts.get("reject") else []
    given_up = _latest(store, gate.run, gate.no, "rollback", undone=True) if live.segment else []
    earlier = counts.get("approve", 0) - len(approved)
    waiting = store.query(
        "SELECT gate_key FROM gate WHERE run = ? AND state = ? AND id <> ? ORDER BY no", [live.run, OPEN, gate.id]
    )
    said = _instructions(store, no, task or "", undone[0] if undone else steps)
    return Facts(
        live, gate, decision, task or "", said, approved, earlier, rejected,
        given_up, [row[0] for row in waiting] if undone is None else [], _stage(store, gate, decision, target), target,
        undone, restored,
    )  # fmt: skip


def _stage(store: Store, gate: GateInfo, decision: GateDecision, target: GateInfo | None) -> list[str]:
    """What the checks said for the brief, as the decision went. After a rollback, what they said of the gate gone back
    to; nothing is known of the time before the first."""
    if decision.verdict == "rollback":
        gate, key = target or gate, "approve" if target else "beginning"
    else:
        key = "approve" if decision.verdict == "approve" else "otherwise"
    given = [item.facts.get("brief") for item in checks_of(store, gate.id)]
    lines = [line for item in given if isinstance(item, dict) for line in item.get(key, ())]
    return [_cut(str(line), WORDS_CHARS) for line in lines[:MOST_SETTLED]]


_BEFORE = "FROM gate g JOIN gate_decision d ON d.gate = g.id WHERE g.run = ? AND g.no < ?"


def _counts(store: Store, run: str, until: int) -> dict[str, int]:
    """How many gates on the line that counts, before that number, have which verdict."""
    sql = f"SELECT d.verdict, count(*) {_BEFORE} AND g.undone_by IS NULL GROUP BY d.verdict"
    return {row[0]: row[1] for row in store.query(sql, [run, until])}


def _latest(store: Store, run: str, until: int, verdict: str, *, undone: bool = False) -> list[Settled]:
    """The last gates before that number with that verdict, in order. undone: those whose steps a rollback undid."""
    rows = store.query(
        "SELECT g.no, g.gate_key, g.first_index, g.last_index, g.stage, d.who, d.how, d.rule, d.message, d.findings"
        f" {_BEFORE} AND d.verdict = ? AND g.undone_by IS {'NOT ' if undone else ''}NULL ORDER BY g.no DESC LIMIT ?",
        [run, until, verdict, MOST_SETTLED],
    )
    return [Settled(*row) for row in reversed(rows)]


def _instructions(store: Store, no: int, task: str, steps: int) -> list[tuple[int, str]]:
    """(step number, text) of what users and system said on the line that counts, without the task itself."""
    from sessions import catalog  # costs more than a gate without need of it does

    found: list[tuple[int, str]] = []
    room = SAID_CHARS
    for index in _told(store, no, steps):
        stored = catalog.step(store, no, index)
        text = "\n".join(part.text for part in stored.step.parts if part.kind == "text")
        if stored.flags & Flag.ABANDONED or text.strip() in ("", task.strip()):
            continue
        found.append((stored.number, text))
        room -= len(text)
        if room < 0:
            break
    return found


#: Where users and system speak in runs that this process has made briefs of: (database, number of the run) -> how many
#: steps were looked at, and the indices. So a long run is not searched anew at every gate.
_TOLD: dict[tuple[str, int], tuple[int, list[int]]] = {}
_MOST_TOLD = 64


def _told(store: Store, no: int, steps: int) -> list[int]:
    """Indices of the first so many steps in which users or system speak."""
    key = (str(store.path), no)
    if len(_TOLD) > _MOST_TOLD:
        _TOLD.clear()
    looked, indices = _TOLD.get(key, (0, []))
    if looked < steps:
        low, _ = key_range(no)
        sql = "SELECT k FROM step WHERE k BETWEEN ? AND ? AND role IN ('system', 'user') ORDER BY k"
        more = [index_of(row[0]) for row in store.query(sql, [low + looked, low + steps - 1])]
        _TOLD[key] = (steps, indices + more)
    return [index for index in _TOLD[key][1] if index < steps] if key in _TOLD else []


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
    approved = list(facts.approved)
    if facts.decision.verdict == "approve":
        gate, made = facts.gate, facts.decision
        approved.append(
            Settled(gate.no, gate.key, gate.first, gate.last, gate.stage, made.who, made.how, made.rule, "", "[]")
        )
    if not approved:
        return "Nothing yet."
    lines = [f"- {facts.earlier} earlier gates, approved"] if facts.earlier else []
    for item in approved:
        stage = f", stage {item.stage}" if item.stage else ""
        words = f": {_cut(item.message, WORDS_CHARS)}" if item.message else ""
        lines.append(f"- {item.key} ({item.what}{stage}), approved by {item.by}{words}")
    return "\n".join(lines)


def _given_up(facts: Facts) -> Iterable[str]:
    """Earlier rollbacks with the reviewers' words: their steps are gone, what was wrong with them is not."""
    for item in facts.given_up:
        words = "; ".join([*([_cut(item.message, WORDS_CHARS)] if item.message else []), *loads(item.findings)])
        yield f"{item.key} ({item.what}), rolled back by {item.by}: {words or 'no reason given'}"


def _open(facts: Facts) -> Iterable[str]:
    """What was refused and not settled since, and what still waits for somebody."""
    approved = [item.no for item in facts.approved]
    settled = facts.gate.no if facts.decision.verdict == "approve" else max(approved, default=0)
    for item in facts.rejected:
        if item.no > settled:
            yield f"{item.key} was rejected by {item.by}: {_cut(item.message, WORDS_CHARS) or 'no reason given'}"
    if facts.decision.verdict == "reject":
        yield f"{facts.gate.key}: find another way to what you proposed, or ask"
    if facts.undone is not None:
        yield "what the undone steps were to achieve, as far as the task asks for it"
    for key in facts.waiting:
        yield f"{key} waits for a decision"


def _steps(first: int, last: int) -> str:
    """Steps by their numbers, from 1."""
    return f"step {first + 1}" if first == last else f"steps {first + 1} to {last + 1}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{text[:most]}\n[{len(text) - most:,} more characters are left out here]"
