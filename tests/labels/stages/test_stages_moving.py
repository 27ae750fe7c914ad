"""A run among its stages: forward where it has shown what it must, back, and nowhere else without words."""

from pathlib import Path

import pytest
from gating import Gates, Opened, step

from labels.ledger import Ledger
from labels.operating import Said, decide
from labels.stages.standing import standing
from sessions import catalog
from sessions.errors import UserError
from sessions.gate import open_gate
from sessions.live import taking
from sessions.live.hooks import NO_HOOKS
from sessions.store import Store

THREE = """
[[stage]]
name = "diagnose"
about = "Find the cause."
[[stage.shows]]
id = "looked"
tool = "kubectl_get"

[[stage]]
name = "repair"
[[stage.shows]]
id = "tests"
command = "pytest*"

[[stage]]
name = "verify"
"""
LOOKS = ("kubectl_get", {"what": "pods"})


class Run:
    """An agent and a reviewer, gate by gate."""

    def __init__(self, gates: Gates, store: Store) -> None:
        self.gates, self.store = gates, store

    def ask(self, stage: str | None, *calls: object, **more: object) -> Opened:
        steps = [step(*calls)] if calls else []
        return self.gates.ask(stage=stage, steps=steps, **more)

    def says(
        self, opened: Opened, verdict: str = "approve", message: str = "", who: str = "ann", to: str | None = None
    ) -> str:
        """Decide, and let the agent have it; the brief."""
        done = decide(self.store, who, opened.gate, Said(verdict, to, message))
        assert done.decision is not None
        answer = taking.take(self.store, opened.gate.id, opened.gate.payload_sha256, NO_HOOKS)
        assert answer is not None
        return answer.brief

    def passes(self, stage: str, *calls: object, message: str = "") -> str:
        return self.says(self.ask(stage, *calls), message=message)

    @property
    def at(self) -> str | None:
        return standing(self.store, catalog.find_run(self.store, "r1").id).at


@pytest.fixture
def run(gates: Gates, store: Store, stages) -> Run:
    stages(THREE)
    return Run(gates, store)


def missing(opened: Opened) -> set[str]:
    return opened.holding


def test_without_stages_nothing_is_said(gates: Gates) -> None:
    assert gates.does("ls", stage="anything").checks == []


def test_in_a_stage_nothing_is_due(run: Run) -> None:
    opened = run.ask("diagnose", "ls")
    assert missing(opened) == set()
    assert opened.rules == ["stage:diagnose"]
    assert opened.reason("stage:diagnose") == "stage diagnose (1 of 3)"
    run.says(opened)
    assert run.at == "diagnose"


def test_on_to_the_next_stage_with_what_it_must_show(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    opened = run.ask("repair")
    assert missing(opened) == set()
    assert opened.gate.kind == "stage"
    assert opened.reason("stage:diagnose") == "from stage diagnose to repair"
    run.says(opened)
    assert run.at == "repair"
    run.passes("repair", "cd x && pytest -q")
    run.passes("verify")
    assert run.at == "verify"


def test_what_is_missing_holds_and_is_not_approved_without_words(run: Run) -> None:
    run.passes("diagnose", "ls")
    opened = run.ask("repair")
    assert missing(opened) == {"stage:diagnose:looked"}
    assert opened.gate.reason == "stage diagnose does not show that the tool kubectl_get was called"
    with pytest.raises(UserError, match="does not show what it must: stage diagnose ") as caught:
        decide(run.store, "ann", opened.gate, Said("approve"))
    assert "with a message that says why" in caught.value.hint
    with pytest.raises(UserError):
        decide(run.store, "ann", opened.gate, Said("approve", message="  \n"))
    brief = run.says(opened, message="The cluster is gone, so there is nothing to look at.")
    assert "The cluster is gone" in brief
    assert run.at == "repair"
    (event,) = Ledger(run.store, "ann").history(catalog.find_run(run.store, "r1"))[1:]
    assert event.data["gate"]["message"].startswith("The cluster is gone")


@pytest.mark.parametrize("verdict", ["reject", "rollback", "stop"])
def test_saying_no_needs_nothing(run: Run, verdict: str) -> None:
    run.passes("diagnose", "ls")
    decide(run.store, "ann", run.ask("repair").gate, Said(verdict))


def test_a_policy_does_not_approve_what_is_missing(run: Run, policy) -> None:
    policy('harmless = ["kubectl_*"]\n[[rule]]\nid = "quiet"\naction = "approve"\nchanges = false\n')
    assert run.ask("diagnose", "ls").verdict == "approve"
    assert run.ask("repair").verdict is None
    assert run.ask("diagnose", LOOKS).verdict == "approve"
    assert run.ask("repair").verdict == "approve"
    assert run.at == "repair"


def test_rejected_it_stays_where_it_was(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    brief = run.says(run.ask("repair"), "reject", "Not yet.")
    assert run.at == "diagnose"
    assert "The run is in stage diagnose (1 of 3). Find the cause." in brief
    assert missing(run.ask("repair")) == set(), "what was shown stays shown"


def test_an_open_gate_moves_nobody(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    run.ask("repair")
    assert run.at == "diagnose"


def test_back_and_everything_anew(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    run.passes("repair", "pytest")
    opened = run.ask("diagnose")
    assert missing(opened) == set()
    assert opened.reason("stage:repair").endswith(", back")
    run.says(opened)
    assert run.at == "diagnose"
    assert missing(run.ask("repair")) == {"stage:diagnose:looked"}


def test_skipping_needs_words(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    opened = run.ask("verify")
    assert missing(opened) == {"stage:diagnose:order"}
    assert "it skips repair" in opened.gate.reason
    with pytest.raises(UserError):
        decide(run.store, "ann", opened.gate, Said("approve"))
    run.says(opened, message="There was nothing to repair.")
    assert run.at == "verify"


@pytest.mark.parametrize(("stage", "rule"), [(None, "unnamed"), ("deploy", "unknown"), ("Repair", "unknown")])
def test_no_stage_or_none_that_is_known(run: Run, stage: str | None, rule: str) -> None:
    run.passes("diagnose", LOOKS)
    opened = run.ask(stage, "ls")
    assert missing(opened) == {f"stage:diagnose:{rule}"}
    assert "known: diagnose, repair or verify" in opened.gate.reason
    run.says(opened, message="go on")
    assert run.at == "diagnose"


def test_the_first_gate_is_in_the_first_stage(run: Run) -> None:
    assert missing(run.ask("repair")) == {"stage:diagnose:looked"}


def test_a_run_ends_in_its_last_stage_with_all_of_it_shown(run: Run) -> None:
    opened = run.ask("diagnose", LOOKS, final=True)
    assert missing(opened) == {"stage:diagnose:order"}
    assert "the run ends in stage diagnose, before verify" in opened.gate.reason


def test_the_last_gate_may_enter_the_last_stage(run: Run, stages) -> None:
    stages(THREE + '[[stage.shows]]\nid = "seen"\ntool = "look"\n')
    run.passes("diagnose", LOOKS)
    run.passes("repair", "pytest")
    opened = run.ask("verify", final=True)
    assert missing(opened) == {"stage:repair:seen"}
    assert missing(run.ask("verify", ("look", {}), final=True)) == set()


def test_a_rollback_takes_the_stage_back(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    run.passes("repair")
    run.passes("repair", "pytest")
    assert run.at == "repair"
    brief = run.says(run.ask("repair", "make"), "rollback", "No.", to="g1")
    assert run.at == "diagnose"
    assert "The run is in stage diagnose (1 of 3)" in brief
    assert "It has shown what it must before stage repair." in brief
    opened = run.ask("repair", segment=1)
    assert missing(opened) == set(), "what gate 1 knew is known"
    run.says(opened)
    assert missing(run.ask("verify", segment=1)) == {"stage:repair:tests"}, "what was undone is not"


def test_a_rollback_to_the_beginning(run: Run) -> None:
    run.passes("diagnose", LOOKS)
    brief = run.says(run.ask("diagnose", "make"), "rollback", to="start")
    assert run.at is None
    assert "The run is in stage diagnose (1 of 3)" in brief
    assert "- the tool kubectl_get was called" in brief
    assert missing(run.ask("repair", segment=1)) == {"stage:diagnose:looked"}


def test_the_brief_says_what_the_stage_must_still_show(run: Run) -> None:
    brief = run.passes("diagnose", "ls")
    assert (
        "## STAGE\nThe run is in stage diagnose (1 of 3). Find the cause.\nBefore stage repair it must still show:"
        in brief
    )
    assert "- the tool kubectl_get was called" in brief
    brief = run.passes("diagnose", LOOKS)
    assert "It has shown what it must before stage repair." in brief
    brief = run.passes("repair")
    assert "The run is in stage repair (2 of 3)." in brief
    assert "- `pytest*` has run without an error" in brief


# -- who ----------------------------------------------------------------------------------------------------------

WHO = """
[[stage]]
name = "plan"
[[stage]]
name = "deploy"
approvers = ["maria", "tom"]
approvals = 2
[[stage.shows]]
id = "owner"
approver = "maria"
[[stage]]
name = "after"
"""


def test_who_may_approve(run: Run, stages, policy) -> None:
    policy('[[rule]]\nid = "q"\naction = "approve"\nchanges = false\n')
    stages(WHO)
    assert run.ask("plan", "ls").verdict == "approve"
    assert run.ask("deploy").verdict == "approve", "the stage that is left has no approvers"
    opened = run.ask("deploy", "ls")
    assert (opened.verdict, opened.gate.needs) == (None, 1)
    assert missing(opened) == {"stage:deploy:approvers"}
    with pytest.raises(UserError, match=r"ann may not approve gate .*: only maria or tom may"):
        decide(run.store, "ann", opened.gate, Said("approve", message="I insist"))
    run.says(opened, who="tom")


def test_a_named_person_and_two_of_them(run: Run, stages) -> None:
    stages(WHO)
    run.passes("deploy")
    opened = run.ask("after")
    assert missing(opened) == {"stage:deploy:owner", "stage:deploy:approvers"}
    assert opened.gate.needs == 2
    with pytest.raises(UserError, match="maria has approved"):
        decide(run.store, "tom", opened.gate, Said("approve"))
    assert decide(run.store, "maria", opened.gate, Said("approve")).missing == 1
    assert decide(run.store, "tom", opened.gate, Said("approve")).decision is not None


def test_her_approval_in_the_stage_counts(run: Run, stages) -> None:
    stages(WHO.replace("approvals = 2", "approvals = 1"))
    run.passes("deploy")
    run.says(run.ask("deploy", "ls"), who="maria")
    run.says(run.ask("deploy", "ls"), who="tom")
    assert missing(run.ask("after")) == {"stage:deploy:approvers"}


def test_her_approval_elsewhere_does_not(run: Run, stages) -> None:
    stages(WHO.replace("approvals = 2", "approvals = 1"))
    run.says(run.ask("plan", "ls"), who="maria")
    run.passes("deploy")
    assert "stage:deploy:owner" in missing(run.ask("after"))


def test_who_takes_an_approval_back_has_not_approved(run: Run, stages) -> None:
    stages(WHO)
    run.passes("deploy")
    opened = run.ask("after")
    decide(run.store, "maria", opened.gate, Said("approve"))
    Ledger(run.store, "maria").undo(catalog.find_run(run.store, "r1"))
    with pytest.raises(UserError, match="maria has approved"):
        decide(run.store, "tom", opened.gate, Said("approve"))


# -- where they are named -----------------------------------------------------------------------------------------


def test_the_policy_names_them_for_some_runs(gates: Gates, policy) -> None:
    path = policy('[[stages]]\nfile = "a.toml"\nagents = ["deploy*"]\n[[stages]]\nfile = "b.toml"\nruns = ["x-*"]\n')
    (path.parent / "a.toml").write_text('[[stage]]\nname = "one"\n')
    (path.parent / "b.toml").write_text('[[stage]]\nname = "two"\n')
    assert gates.does("ls").checks == []
    assert gates.does("ls", run="r2", agent="deployer", stage="one").rules == ["stage:one"]
    assert gates.does("ls", run="x-1", stage="two").rules == ["stage:two"]
    assert gates.does("ls", run="x-2", agent="deployer", stage="one").rules == ["stage:one"], "the first one counts"


@pytest.mark.parametrize("content", [None, "[[stage]]", "x = 1", "[[stage]]\nname = '/'", "# x\n" * 50_000])
def test_stages_that_cannot_be_read_hold(run: Run, stages, content: str | None) -> None:
    path = stages(THREE)
    run.passes("diagnose", LOOKS)
    path.unlink() if content is None else path.write_text(content)
    opened = run.ask("repair", "ls")
    assert missing(opened) == {"stage:unusable"}
    assert "nobody knows the stages of this run" in opened.gate.reason
    with pytest.raises(UserError):
        decide(run.store, "ann", opened.gate, Said("approve"))
    run.says(opened, message="I know them")
    assert run.at == "diagnose"
    path.write_text(THREE)
    assert missing(run.ask("repair")) == set(), "what was shown is not forgotten"


def test_a_run_is_not_rid_of_its_stages_by_losing_their_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.passes("diagnose", LOOKS)
    monkeypatch.delenv("REVIEW_TUI_STAGES")
    assert missing(run.ask("repair")) == {"stage:unusable"}
    run.says(run.ask("diagnose", "make"), "rollback", to="start")
    assert missing(run.ask("diagnose", segment=1)) == {"stage:unusable"}, "nor by going back to the beginning"


def test_stages_that_came_later_are_not_lost_either(
    gates: Gates, store: Store, stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(gates, store)
    run.passes("any", "ls")
    stages(THREE)
    run.passes("diagnose", LOOKS)
    monkeypatch.delenv("REVIEW_TUI_STAGES")
    assert missing(run.ask("repair")) == {"stage:unusable"}


def test_stages_in_the_workspace_are_refused(gates: Gates, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "stages.toml").write_text(THREE)
    monkeypatch.setenv("REVIEW_TUI_STAGES", str(workspace / "stages.toml"))
    assert "lies in the agent's workspace" in gates.does("ls", stage="diagnose").gate.reason


def test_a_broken_policy_is_held_for_once(gates: Gates, policy) -> None:
    policy("broken")
    assert gates.does("ls").holding == {"policy-unusable"}


def test_a_check_that_could_not_be_asked_leaves_no_gap(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from sessions.live import checking

    run.passes("diagnose", LOOKS)
    run.passes("repair")
    monkeypatch.setattr(checking, "points", lambda: {"stages": "no.such:thing"})
    run.passes("repair", "ls", message="so be it")
    monkeypatch.setattr(checking, "points", lambda: {"stages": "labels.stages.check:check"})
    assert run.at == "repair"
    assert missing(run.ask("verify")) == {"stage:repair:tests"}


def test_the_file_may_change_in_between(run: Run, stages) -> None:
    run.passes("diagnose", LOOKS)
    stages(THREE.replace("kubectl_get", "kubectl_top"))
    assert missing(run.ask("repair")) == set(), "it was met when it was asked for"
    stages(THREE.replace('id = "looked"', 'id = "seen"'))
    assert missing(run.ask("repair")) == {"stage:diagnose:seen"}
    stages(THREE.replace('"diagnose"', '"analyse"'))
    opened = run.ask("repair")
    assert "stage:analyse:unknown" in missing(opened)
    assert "was in stage diagnose, which there is no more" in opened.reason("stage:analyse:unknown")


def test_two_gates_at_once(run: Run, db: Path) -> None:
    """An agent that opens a second gate before the first is decided on is judged from where it stands."""
    first = run.ask("diagnose", LOOKS)
    second = run.ask("repair")
    assert missing(second) == set()
    run.says(first)
    run.says(second)
    assert run.at == "repair"
    assert (
        open_gate({"run": "other", "gate": "g", "agent": "b", "task": "t", "stage": "diagnose"}, db=db, wait=False)
        is not None
    )
