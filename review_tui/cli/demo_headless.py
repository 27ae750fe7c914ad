"""The demo without a screen: the same agent, and a reviewer's part that is played here, with what it finds told."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from labels import operating
from labels.operating import Said
from sessions.demo.scratch import Agent, Scratch, end, next_gate
from sessions.errors import UserError
from sessions.live.gates import GateInfo, checks_of
from sessions.store import Store

REVIEWER = "demo-reviewer"
#: The check's rule at which this reviewer sends the agent back (`labels.policies.judging`).
IRREVERSIBLE = "irreversible-action"
GUIDANCE = "The freeze holds: change nothing in production. Write a proposal instead, and prove it on a copy."
Fingerprint = dict[str, str]


def play(scratch: Scratch, tell: Callable[[str], None]) -> bool:
    """Play the whole story; True if everything came back byte for byte. Raises UserError where something failed."""
    with Store.open(scratch.db) as store:
        agent = scratch.start_agent()
        try:
            return _play(store, scratch, agent, tell)
        finally:
            end(agent)


def _play(store: Store, scratch: Scratch, agent: Agent, tell: Callable[[str], None]) -> bool:
    good: tuple[GateInfo, Fingerprint] | None = None
    restored = False
    after = 0
    while True:
        gate = next_gate(store, scratch, agent, after)
        if gate is None:
            break
        after = gate.no
        tell(f"gate {gate.key}: {gate.agent} waits after step {gate.last + 1}, stage {gate.stage}")
        checks = [check for check in checks_of(store, gate.id) if check.action == "hold"]
        for check in checks:
            tell(f"  holds: {check.reason}")
        if good is not None and not restored and any(check.rule == IRREVERSIBLE for check in checks):
            restored = _roll_back(store, scratch, agent, gate, good, tell)
            continue
        operating.decide(store, REVIEWER, gate, Said("approve", payload_sha256=gate.payload_sha256))
        good = (gate, fingerprint(scratch.workspace))
        tell("  approved")
    if not restored:
        raise UserError("the agent was never held.", "The checks at gates do not work here: run `review-tui doctor`.")
    tell(f"the agent is through; {'proposals/0042.sql is there' if _proposed(scratch) else 'NO PROPOSAL WAS WRITTEN'}")
    return restored and _proposed(scratch)


def _roll_back(
    store: Store,
    scratch: Scratch,
    agent: Agent,
    gate: GateInfo,
    good: tuple[GateInfo, Fingerprint],
    tell: Callable[[str], None],
) -> bool:
    """Send the run back to the last good gate, and look whether the files are as they were there."""
    target, before = good
    ruined = fingerprint(scratch.workspace)
    changed = sorted(path for path in before.keys() | ruined.keys() if before.get(path) != ruined.get(path))
    tell(f"  changed since gate {target.key}: {', '.join(changed)}")
    operating.decide(store, REVIEWER, gate, Said("rollback", target.id, GUIDANCE, payload_sha256=gate.payload_sha256))
    next_gate(store, scratch, agent, gate.no)  # by then the files are back, and the agent has gone on from there
    now = fingerprint(scratch.workspace)
    back = [path for path in changed if now.get(path) == before.get(path)]
    for path in changed:
        same = path in back
        tell(f"  {'restored' if same else 'NOT RESTORED'}: {path}  sha256 {before.get(path, 'not there')[:16]}")
    return len(back) == len(changed) and "prod.db" in changed


def _proposed(scratch: Scratch) -> bool:
    return (scratch.workspace / "proposals" / "0042.sql").is_file()


def fingerprint(folder: Path) -> Fingerprint:
    """Relative path -> sha256, of every file."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
