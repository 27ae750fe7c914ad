"""Rules at real gates: what approves needs every call, what holds one, and what hides is never approved."""

from pathlib import Path

import pytest
from gating import CHECKS, Gates, step

from labels.ledger import Ledger
from labels.operating import Said, decide
from labels.policies.inforce import in_force
from sessions import catalog
from sessions.gate import open_gate
from sessions.live import holding
from sessions.store import Store

READS = """
[[rule]]
id = "reads"
action = "approve"
commands = ["ls", "ls *", "cat *", "grep *", "git status*"]
"""


def test_without_a_policy_everything_waits(gates: Gates) -> None:
    opened = gates.does("ls")
    assert (opened.verdict, opened.gate.state, opened.checks) == (None, "open", [])


def test_a_rule_approves_and_the_record_says_which_and_from_what(gates: Gates, policy, store: Store) -> None:
    policy(READS)
    opened = gates.does("ls -l", "cat a.txt | grep x")
    tag = in_force().tag
    assert opened.decision is not None
    assert (opened.verdict, opened.decision.how, opened.decision.rule) == ("approve", "policy", f"reads@{tag}")
    assert opened.decision.who == f"policy:reads@{tag}"
    assert len(tag) == 12
    run = catalog.find_run(store, "r1")
    (event,) = Ledger(store, "ann").history(run)
    assert (event.data["how"], event.data["gate"]["rule"]) == ("policy", f"reads@{tag}")
    assert opened.gate.state == "consumed"
    policy(READS.replace("reads", "looks") + "\n# a comment\n")
    assert in_force().tag != tag
    policy(READS + "\n# a comment\n")
    assert in_force().tag == tag, "comments do not count"


def test_an_approval_needs_every_call_to_fit(gates: Gates, policy) -> None:
    policy(READS)
    assert gates.does("ls", "make all").verdict is None
    assert gates.ask(steps=[step("ls"), step("cat x")]).verdict == "approve"
    assert gates.ask(steps=[step("ls")], proposed=[{"name": "bash", "arguments": {"command": "make"}}]).verdict is None
    assert gates.does("ls; make").verdict is None
    assert gates.does("ls", ("write_file", {"path": "x", "content": "y"})).verdict is None
    assert gates.ask(steps=[step()]).verdict == "approve", "a step without a call does nothing"


def test_a_hold_needs_one_call_and_wins(gates: Gates, policy) -> None:
    policy(READS + '[[rule]]\nid = "secrets"\naction = "hold"\ncommands = ["*secret*"]\nreason = "no secrets"\n')
    opened = gates.does("ls", "cat secret.txt")
    assert (opened.verdict, opened.holding, opened.gate.reason) == (None, {"secrets"}, "no secrets")
    assert gates.does("ls", "cat a.txt").verdict == "approve"


@pytest.mark.parametrize(
    "command",
    ["sudo rm.sh x", "sh -c 'deploy now'", "find . -exec deploy {} +", "ls | xargs deploy", "bash -lc 'cd x && deploy'",
     "(cd x; deploy)", "$(deploy)", "A=1 deploy", "if true; then deploy; fi", "timeout 5 nice deploy",
     "/usr/bin/deploy"],
)  # fmt: skip
def test_holding_sees_what_others_run(gates: Gates, policy, command: str) -> None:
    policy('[[rule]]\nid = "deploys"\naction = "hold"\ncommands = ["deploy", "deploy *", "rm.sh *"]\nneeds = 2\n')
    opened = gates.wants(command)
    assert (opened.holding & {"deploys"}, opened.gate.needs) == ({"deploys"}, 2)


@pytest.mark.parametrize(
    "command",
    [
        "cat $(deploy)", "cat `deploy`", 'cat "$(deploy)"', "cat <(deploy)", "cat $FILE", "cat ${F}", "cat $'x'",
        "X=1 cat a", "export X=1; cat a", "PATH=.; cat a", "alias cat=rm; cat a", "cat() { rm x; }; cat a",
        "for f in a b; do cat $f; done", "cat a > b", "cat a >> b", "cat a >| b", "cat a &> b", "ls > /dev/sda",
        "cat <<EOF\nx\nEOF", "cat <<< x", "sudo cat a", "env cat a", "time cat a", "sh -c 'cat a'", "eval cat a",
        "xargs cat", "ls | xargs cat", "source a", ". a", "exec cat a", "./cat a", "/bin/cat a", "'cat' a", "c\\at a",
        "python a.py", "python -c 'x'", "node x.js", "perl -e 1", "awk '{system(1)}' a", "bash a.sh",
        "trap 'rm x' EXIT",
        "ssh host cat a", "nohup cat a", "command cat a", "watch cat a", "su -c 'cat a'", "docker exec c cat a",
        "kubectl exec p -- cat a", "find . -exec cat {} ;", "CAT a", "ls;" * 200,
    ],
)  # fmt: skip
def test_what_hides_is_never_approved(gates: Gates, policy, command: str) -> None:
    policy('[[rule]]\nid = "all"\naction = "approve"\ncommands = ["*"]\n')
    assert gates.wants(command).verdict is None
    policy('[[rule]]\nid = "quiet"\naction = "approve"\nchanges = false\n')
    assert gates.wants(command).verdict is None


@pytest.mark.parametrize(
    "command",
    ["cat a", "ls 2>/dev/null", "ls 2>&1", "ls >/dev/null", "cat < a", "ls && cat a || ls; ls", "if ls; then cat a; fi",
     "cd x && ls", "(ls)", "grep 'a b' c", "grep -c '^x$' c", "", "# nothing", "ls \\\n -l", "cat a | grep b | wc -l"],
)  # fmt: skip
def test_what_stands_plainly_is(gates: Gates, policy, command: str) -> None:
    policy('[[rule]]\nid = "all"\naction = "approve"\ncommands = ["*"]\n')
    assert gates.wants(command).verdict == "approve"


@pytest.mark.parametrize(
    "call",
    [
        ("python", {"code": "print(1)"}),
        ("execute_code", {"code": "x"}),
        ("jupyter", "import os"),
        ("js", {"code": "1"}),
    ],
)
def test_program_code_is_never_approved(gates: Gates, policy, call: tuple[str, object]) -> None:
    policy('[[rule]]\nid = "all"\naction = "approve"\ntools = ["*"]\ncommands = ["*"]\n')
    assert gates.wants(call).verdict is None


def test_a_shell_is_not_covered_by_its_tools_name(gates: Gates, policy) -> None:
    policy('[[rule]]\nid = "tools"\naction = "approve"\ntools = ["bash", "read_*", "mcp__files__*"]\n')
    assert gates.wants("ls").verdict is None
    assert gates.wants(("read_file", {"path": "x"})).verdict == "approve"
    assert gates.wants(("mcp__files__stat", {"path": "x"})).verdict == "approve"
    assert gates.wants(("mcp__evil__read_file", {"path": "x"})).verdict is None, "another server's tool"
    assert gates.wants(("run_anything", {"command": "read_file"})).verdict is None


def test_paths_of_an_approval_are_narrow(gates: Gates, policy, workspace: Path) -> None:
    policy(
        '[[rule]]\nid = "docs"\naction = "approve"\ntools = ["write_file"]\npaths = ["docs/*"]\n'
        '[[rule]]\nid = "add"\naction = "approve"\ncommands = ["git add *"]\npaths = ["docs/*"]\n'
    )
    (workspace / "docs").mkdir()
    (workspace / "docs" / "out").symlink_to("/etc")

    def writes(path: str, **more: str) -> str | None:
        return gates.wants(("write_file", {"path": path, "content": "x", **more})).verdict

    assert writes("docs/a.md") == writes(str(workspace / "docs" / "a.md")) == writes("docs/x/../a.md") == "approve"
    for path in (
        "a.md",
        "docs/../a.md",
        "/tmp/docs/a.md",
        "docs/out/passwd",
        "~/docs/a.md",
        "docs*/a.md",
        "src/docs/a",
    ):
        assert writes(path) is None, path
    assert writes("docs/a.md", backup="/tmp/x") is None, "another path beside it"
    assert gates.wants(("write_file", {"content": "x"})).verdict is None, "no path at all"
    assert gates.wants("git add docs/a.md docs/b.md").verdict == "approve"
    for words in (". docs/a.md", "-A .", "docs/a.md b", "--pathspec-from-file=/tmp/x", "docs/out/x"):
        assert gates.wants(f"git add {words}").verdict is None, words
    assert gates.wants("cd docs && git add a.md").verdict is None, "cd is not covered"


def test_nothing_is_changed_only_where_that_is_certain(gates: Gates, policy) -> None:
    policy('harmless = ["pytest *", "lint"]\n[[rule]]\nid = "quiet"\naction = "approve"\nchanges = false\n')
    sure = ["ls -l", "git log -3", "kubectl get pods", ("get_order", {"id": 1}), ("sql", {"query": "SELECT 1"}),
            ("read_file", {"path": "x"}), ("think", {"thought": "x"}), "pytest -q", ("lint", {})]  # fmt: skip
    for call in sure:
        assert gates.wants(call).verdict == "approve", call
    unsure = ["make", "kubectl apply -f x", "curl http://x", ("cancel_order", {"id": 1}), ("do_it", {}), "git stash",
              ("sql", {"query": "DELETE FROM x WHERE id = 1"}), "pytest -q; make", ("write_file",
              {"path": "x"})]  # fmt: skip
    for call in unsure:
        assert gates.wants(call).verdict is None, call


def test_what_a_rule_says_of_the_run(gates: Gates, policy) -> None:
    rule = '[[rule]]\nid = "all"\naction = "approve"\ncommands = ["ls"]\n'
    fits = {"agent": ('agents = ["bo*"]', 'agents = ["other"]'), "runs": ('runs = ["r*"]', 'runs = ["x"]'),
            "final": ("final = false", "final = true"), "steps": ("max_steps = 1", "max_steps = 0"),
            "errors": ("errors = false", "errors = true"), "changes": ("changes = false", "changes = true"),
            "stages": ('stages = ["b*"]', 'stages = ["x"]')}  # fmt: skip
    for good, bad in fits.values():
        policy(rule + good)
        assert gates.does("ls", stage="build").verdict == "approve", good
        policy(rule + bad)
        assert gates.does("ls", stage="build").verdict is None, bad
    policy(f"{rule}errors = false")
    assert gates.does("ls", error=True).verdict is None


def test_reject_and_stop_tell_the_agent(gates: Gates, policy, db: Path) -> None:
    policy(
        READS + '[[rule]]\nid = "no-push"\naction = "reject"\ncommands = ["git push*"]\nmessage = "Never push."\n'
        '[[rule]]\nid = "end"\naction = "stop"\ncommands = ["shutdown-agent"]\n'
    )
    request = {"run": "r2", "gate": "g", "agent": "bot", "task": "t"}
    proposed = [{"name": "bash", "arguments": {"command": "git push"}}]
    answer = open_gate(request, db=db, wait=False, proposed=proposed)
    assert (answer.verdict, bool(answer)) == ("reject", False)
    assert "Never push." in answer.message  # type: ignore[union-attr]
    assert gates.wants("ls", "git push").verdict == "reject", "approve gives way"
    assert gates.wants("git push", "shutdown-agent").verdict == "stop", "and reject to stop"


def test_two_people_at_one_gate(gates: Gates, policy, store: Store) -> None:
    policy(READS + '[[rule]]\nid = "four-eyes"\naction = "hold"\nstages = ["deploy"]\nneeds = 2\n')
    opened = gates.does("ls", stage="deploy")
    assert (opened.verdict, opened.gate.needs) == (None, 2)
    assert decide(store, "ann", opened.gate, Said("approve")).missing == 1
    assert decide(store, "bob", opened.gate, Said("approve")).decision is not None
    assert gates.does("ls", stage="build").verdict == "approve"


def test_while_a_run_is_held_no_policy_decides(gates: Gates, policy, store: Store) -> None:
    policy(READS)
    holding.hold(store, holding.ALL, "ann", "root", "an incident")
    assert gates.does("ls").verdict is None


def test_code_blocks_of_agents_without_typed_calls_are_calls(gates: Gates, policy) -> None:
    policy(READS)

    def says(text: str) -> str | None:
        return gates.ask(steps=[{"actor": "bot", "parts": [{"kind": "text", "text": text}]}]).verdict

    assert says("I think.") == "approve"
    assert says("```bash\nls\n```") == "approve"
    assert says("```bash\nmake\n```") is None
    assert says("```python\nprint(1)\n```") is None
    assert gates.ask(steps=[step("ls", text="Run ```bash\nmake\n``` later.")]).verdict == "approve", (
        "it has typed calls"
    )


def test_records_that_could_not_be_read_are_not_approved(gates: Gates, policy) -> None:
    policy(READS)
    opened = gates.ask(steps=[{"actor": "bot", "parts": [{"kind": "raw", "text": "{}"}]}])
    assert (opened.verdict, opened.holding) == (None, {"unread"})


def test_the_checks_are_the_ones_that_the_page_names() -> None:
    for target in CHECKS.values():
        module, _, name = target.partition(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
