"""The command that a policy starts when a gate opens that waits for a person (entry point `review_tui.gate_opened`).

It is started by itself: no shell, no terminal, nothing to read but a JSON object with the facts on its standard input,
in the user's home folder, and it is ended after LONGEST_S. Whatever becomes of it, the gate stays as it is.

Facts of a gate are an agent's words, so they cannot become more than words: they are put into arguments only, never
into the program's name, on one line, shortened, and with a blank before what would begin an argument with a `-` or an
`@`, by which programs know options and files.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from labels.policies import inforce, starter
from labels.policies.model import PLACEHOLDERS
from sessions.jsontext import dumps
from sessions.live.gates import GateInfo, live_run
from sessions.store import Store

#: How long such a command may run, in seconds.
LONGEST_S = 5.0
_LONGEST_TEXT = 300
_LEADS_AWAY = ("-", "@")


def opened(store: Store, gate: GateInfo) -> None:
    """Start the policy's command for a gate, if it names one. Raises what keeps it from being started."""
    live = live_run(store, gate.run)
    rules = inforce.in_force(live.workspace if live else None)
    if rules.policy.on_open:
        start(rules.policy.on_open, facts_of(gate))


def facts_of(gate: GateInfo) -> dict[str, str]:
    """What the command may be told: by the names of the placeholders."""
    values: dict[str, Any] = {
        "id": gate.id, "run": gate.name, "gate": gate.key, "agent": gate.agent, "risk": f"{gate.risk:.2f}",
        "reason": gate.reason,
    }  # fmt: skip
    return {name: one_line(str(values[name])) for name in PLACEHOLDERS}


def one_line(text: str) -> str:
    """Text of others as one short line of characters that can be seen."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_TEXT])
    return " ".join(shown.split())


def filled(command: tuple[str, ...], facts: dict[str, str]) -> list[str]:
    """The command with its placeholders replaced, once each: what a value holds is no placeholder."""
    return [command[0], *(_filled(word, facts) for word in command[1:])]


def _filled(word: str, facts: dict[str, str]) -> str:
    pieces, rest = [], word
    while rest:
        found = [(at, name) for name in facts if (at := rest.find(f"{{{name}}}")) >= 0]
        if not found:
            break
        at, name = min(found)
        pieces += [rest[:at], facts[name]]
        rest = rest[at + len(name) + 2 :]
    made = "".join([*pieces, rest])
    began = word.startswith(_LEADS_AWAY)  # the operator's own option
    return f" {made}" if made.startswith(_LEADS_AWAY) and not began else made


def start(command: tuple[str, ...], facts: dict[str, str]) -> None:
    """Start a command, and something small beside it that ends it in time. Raises OSError."""
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", starter.__file__, str(LONGEST_S), *filled(command, facts)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path.home(),
        start_new_session=True, env=dict(os.environ),
    )  # fmt: skip
    assert started.stdin is not None
    started.stdin.write(f"{dumps(facts)}\n".encode())  # less than a pipe holds, so this does not wait
    started.stdin.close()
    started.stdin = None
    _children.append(started)
    _children[:] = [child for child in _children if child.poll() is None]


#: Started and not seen to end, so that none is left behind as a zombie.
_children: list[subprocess.Popen[bytes]] = []
