"""What a run did outside its workspace: no rollback takes it back, so it is listed before anybody agrees to one.

Read off the tool calls, generously: what could have sent, pushed, deployed or changed something elsewhere is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labels.detectors.calls import calls_of
from labels.detectors.deeds import Deed, deeds_of
from sessions.bodies import StoredStep

#: Deeds that reach beyond a folder of files, and how they are told.
_BEYOND: dict[Deed, str] = {
    "push": "pushed", "send": "sent", "deploy": "deployed", "restart": "restarted", "network": "went to the network",
}  # fmt: skip
#: Clients of databases that lie elsewhere, unless told otherwise.
_CLIENTS = frozenset("psql mysql mariadb mongosh mongo redis-cli sqlcmd sqlplus clickhouse-client cqlsh".split())
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Effect:
    """index: of the step. what: in a word. call: the command or the call, one line."""

    index: int
    what: str
    call: str


def effects(steps: Iterable[StoredStep]) -> list[Effect]:
    """What these steps did elsewhere, in order."""
    found = []
    for stored in steps:
        for call in calls_of(stored):
            deeds = deeds_of(call)
            beyond = [words for deed, words in _BEYOND.items() if deed in deeds]
            if call.changes and any(one.program in _CLIENTS for one in call.simple):
                beyond.append("changed a database")
            if beyond:
                line = " ".join(stored.step.parts[call.part].text.split())[:_LONGEST]
                found.append(Effect(stored.index, beyond[0], f"{call.name} {line}".strip()))
    return found
