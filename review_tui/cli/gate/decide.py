"""`review-tui gate decide GATE`: what a person says at a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, codebook_option, db_option, json_option, reviewer_option, settings
from sessions.errors import UsageError

if TYPE_CHECKING:
    from labels.model import Op, Shown
    from labels.operating import Operated
    from review_tui.cli.settings import Settings
    from sessions.live.gates import GateInfo
    from sessions.store import Store

VERDICTS = ("approve", "rollback", "reject", "stop")
TOOL = "review-tui gate decide"


@click.command("decide")
@click.argument("gate", type=WORDS)
@click.option("--verdict", required=True, type=click.Choice(VERDICTS))
@click.option(
    "--to", type=WORDS, metavar="GATE", help="With rollback: back to there, or `start`. Default: the last one."
)
@click.option("--note", default="", type=WORDS, metavar="TEXT", help="To the agent, in your own words.")
@click.option("--edit", type=WORDS, metavar="JSON", help="With approve: the calls to be made instead of the proposed.")
@click.option("--sha256", type=WORDS, metavar="HASH", help="Only if the gate shows this (payload_sha256 of `list`).")
@click.option("--label", multiple=True, type=WORDS, metavar="MODE[:FIRST-LAST]", help="A failure mode that occurs.")
@click.option("--none", is_flag=True, help="No failure mode occurs (of any codebook in use).")
@click.option("--none-of", multiple=True, type=WORDS, metavar="CODEBOOK", help="No mode of this codebook occurs.")
@click.option("--accept", multiple=True, type=WORDS, metavar="SUGGESTION", help="It is right: label it so.")
@click.option("--reject", multiple=True, type=WORDS, metavar="SUGGESTION", help="It is wrong.")
@click.option("--relabel", multiple=True, type=WORDS, metavar="SUGGESTION=MODE", help="Something is, but this mode.")
@click.option("--evidence", multiple=True, type=WORDS, metavar="LABEL:STEP:QUOTE", help="A passage that shows it.")
@click.option("--caused-by", multiple=True, type=WORDS, metavar="LABEL=LABEL", help="The effect stands first.")
@click.option("--root", multiple=True, type=WORDS, metavar="LABEL", help="This label starts a cascade.")
@click.option("--unsure", is_flag=True, help="You think so, no more (all labels of this call).")
@click.option("--seconds", type=float, metavar="S", help="Time it took you.")
@reviewer_option
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    gate: str,
    verdict: str,
    to: str | None,
    note: str,
    edit: str | None,
    sha256: str | None,
    seconds: float | None,
    as_json: bool,
    **judged: Any,
) -> None:
    """Decide on GATE. The agent that waits there has the decision at once, and it is recorded like every other.

    The first decision holds: if somebody was before you, you are told who. An agent cannot decide: this command refuses
    whoever was started by one.
    """
    from labels.operating import Said, decide
    from sessions.live.gates import find_gate
    from sessions.live.guarding import refuse_agents

    given = settings(ctx)
    store = given.store(ctx)
    refuse_agents(store)
    found = find_gate(store, gate)
    ops, shown = _judgement(store, given, found, judged)
    said = Said(verdict, to, note, _edited(edit), ops, seconds, shown, sha256, TOOL)
    done = decide(store, given.reviewer_name(), found, said)
    if as_json:
        output.emit("gate-decide", _as_json(store, done))
    else:
        _print(done, given.reviewer_name())


def _edited(text: str | None) -> list[Any] | None:
    from sessions.jsontext import BadJson, loads

    if text is None:
        return None
    try:
        value = loads(text)
    except BadJson as error:
        raise UsageError(f"--edit: {error}.") from None
    if not isinstance(value, list):
        raise UsageError("--edit is a JSON list of calls.", 'For example [{"name": "bash", "arguments": {...}}].')
    return value


def _judgement(
    store: Store, given: Settings, gate: GateInfo, judged: dict[str, Any]
) -> tuple[list[Op], tuple[Shown, ...] | None]:
    """What is said of failure modes, and the suggestions that there were."""
    if not any(value for name, value in judged.items() if name != "unsure"):
        return [], None
    from labels.ledger import Ledger
    from labels.maintenance import remember_codebook
    from labels.model import Shown
    from labels.operating import gate_target, keep_suggestions
    from review_tui.cli import decide as recorded
    from review_tui.cli.decide_labels import Drafts
    from sessions import catalog

    run = catalog.run_by_id(store, gate.run)
    assert run is not None, "a gate has a run"
    suggestions = keep_suggestions(store, gate)
    ledger = Ledger(store, given.reviewer_name())
    drafts = Drafts(given.load_codebooks(), store, run, gate_target(store, gate), ledger.decisions(run))
    words = recorded.Said(verdict="", to=None, note="", seconds=None, **judged)
    ops = recorded.judgement(words, drafts, suggestions)
    for book in drafts.used.values():
        remember_codebook(store, book)
    return ops, tuple(Shown(id=item.id, detector=item.detector, version=item.version) for item in suggestions)


def _as_json(store: Store, done: Operated) -> dict[str, Any]:
    from review_tui.cli.gate.describe import decision_json, gate_json

    decision = decision_json(store, done.decision) if done.decision else None
    return {"gate": gate_json(store, done.gate), "event": done.event.id, "decision": decision, "missing": done.missing}


def _print(done: Operated, reviewer: str) -> None:
    gate = done.gate
    if done.decision is None:
        more = output.count(done.missing, "more person must", "more people must")
        output.line(f"recorded for {reviewer}: {more} approve {gate.name}/{gate.key} too.")
        return
    output.line(f"recorded for {reviewer}: {done.decision.verdict} at {gate.name}/{gate.key}.")
