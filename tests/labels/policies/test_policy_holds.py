"""What holds whatever a file says, and what a file declares: freezes, production, a policy that cannot be used."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gating import Gates, call, step

from labels import detection
from labels.detecting import Watching
from labels.policies import check, inforce, judging, suspecting
from labels.policies.judging import Subject
from labels.policies.model import Policy
from labels.policies.touching import touches
from sessions.store import Store

ALL = """
[[rule]]
id = "all"
action = "approve"
commands = ["*"]
[[rule]]
id = "tools"
action = "approve"
tools = ["*"]
"""


# -- irreversible and fatal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", ALL, ALL + '[[rule]]\nid = "no"\naction = "stop"\ncommands = ["rm *"]\n'])
def test_an_irreversible_action_always_holds(gates: Gates, policy, text: str) -> None:
    policy(f"fatal_at_least = 0.95\n{text}")
    for opened in (gates.wants("rm -rf /srv/x"), gates.does("ls", "rm -rf /srv/x"), gates.wants(("drop_table", {}))):
        assert opened.verdict is None
        assert "irreversible-action" in opened.holding


def test_the_reason_says_where_and_what(gates: Gates) -> None:
    opened = gates.does("ls", "psql -c 'DROP TABLE users'")
    assert opened.reason("irreversible-action").startswith("step 1: ")
    assert "users" in opened.reason("irreversible-action")
    assert opened.gate.suggestion["mode"] == "irreversible-action"
    assert gates.wants("git push --force origin main").reason("irreversible-action").startswith("proposed: ")


def test_a_suggestion_of_a_fatal_mode_holds_from_the_policys_score_on(gates: Gates, policy, store: Store) -> None:
    (item,) = _suggestion("rm -rf /srv/data")
    subject = Subject("a", "r", None, False, 1, False, (), suggestions=[item], fatal=suspecting.fatal_modes())
    assert [result.rule for result in judging.fatal(Policy(fatal_at_least=item.score), subject)] == ["fatal-mode"]
    assert list(judging.fatal(Policy(fatal_at_least=min(0.95, item.score + 0.01)), subject)) == []
    sure = item.model_copy(update={"probability": 0.1})
    lower = Subject("a", "r", None, False, 1, False, (), suggestions=[sure], fatal=suspecting.fatal_modes())
    assert list(judging.fatal(Policy(), lower)) == [], "a probability counts where one is known"


def _suggestion(command: str):
    from labels.codebook import load_all
    from labels.detectors import load
    from labels.detectors.base import RunMeta
    from sessions.bodies import StoredStep
    from sessions.run import Step

    watching = Watching(RunMeta("t", "a", None, "live"), [load("irreversible")], load_all([]))
    made = Step("bot", "agent", [call("bash", {"command": command})])
    return watching.feed([StoredStep(0, "s0", 0, made)])


def test_rules_on_suspicions(gates: Gates, policy) -> None:
    policy('[[rule]]\nid = "end"\naction = "hold"\nneeds = 2\nmodes = ["irreversible-*"]\nat_least = 0.3\n')
    opened = gates.does("rm -rf /srv/data")
    assert "end" in opened.holding
    assert opened.gate.needs == 2
    assert "end" not in gates.does("ls").rules


def test_a_codebook_of_the_users_has_fatal_modes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = tmp_path / "own.toml"
    book.write_text(
        'id = "own"\nversion = "1"\ntitle = "t"\n[[mode]]\nslug = "promise"\nname = "P"\ndefinition = "d"\n'
        '[mode.severity]\nclass = "fatal"\nsource = "s"\n'
    )
    monkeypatch.setenv("REVIEW_TUI_CODEBOOKS", str(book))
    monkeypatch.setattr(suspecting, "_books", list(suspecting._books))
    assert suspecting._load() is None
    assert "promise@own" in suspecting.fatal_modes()
    book.write_text("broken")
    assert suspecting._load() is not None
    assert "promise@own" not in suspecting.fatal_modes()


def test_a_detector_that_fails_holds(gates: Gates, policy, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(ALL)

    class Broken:
        id, version, title, source, modes, needs, default, params = "x", "1", "x", "x", (), frozenset(), True, {}

        def start(self, run: object) -> object:
            raise ValueError("no")

    monkeypatch.setattr(detection, "enabled", lambda store: [Broken()])
    opened = gates.does("ls")
    assert (opened.verdict, opened.holding) == (None, {"detector-failed"})
    assert "ValueError: no" in opened.gate.reason


def test_a_switch_for_a_detector_that_is_not_there_is_no_matter(gates: Gates, policy, store: Store) -> None:
    policy(ALL)
    with store.write() as tx:
        tx.execute("INSERT INTO meta VALUES ('detectors', '{\"nobody-knows-it\": true}')")
    assert gates.does("ls").verdict == "approve"


def test_detectors_go_on_where_they_were(gates: Gates, policy) -> None:
    for text in ("I look at the log again.",) * 3:
        gates.ask(steps=[step("cat log.txt", text=text)] * 4)
    (kept,) = suspecting._watching.values()
    assert (kept[0].steps, kept[1]) == (12, 12)
    suspecting._watching.clear()  # a process of its own for each gate
    gates.ask(steps=[step("cat log.txt")] * 4)
    (kept,) = suspecting._watching.values()
    assert (kept[0].steps, kept[1]) == (16, 16)


# -- freezes ------------------------------------------------------------------------------------------------------

FREEZE = '[[freeze]]\nreason = "year end"\nsince = 2026-12-01T00:00:00Z\nuntil = 2027-01-01T00:00:00+01:00\nneeds = 2\n'


def frozen(text: str, now: datetime, *calls: str) -> list[str]:
    from labels.policies.model import POLICY

    path = Path(os.environ["HOME"]).parent / "freeze.toml"
    path.write_text(text)
    found, _ = touches([], [call("bash", {"command": one}) for one in calls], "/w")
    subject = Subject("a", "r", None, False, 0, False, found)
    return [result.rule for result in judging.said(POLICY.read(path), subject, now)]


def test_a_freeze_holds_from_since_until_until(tmp_path: Path) -> None:
    for moment, holds in [
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), False), (datetime(2026, 12, 1, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), True), (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), False),
    ]:  # fmt: skip
        assert (frozen(FREEZE, moment, "touch x") == ["freeze"]) == holds, moment
    assert frozen('[[freeze]]\nreason = "for ever"\n', datetime(1999, 1, 1, tzinfo=UTC), "touch x") == ["freeze"]


@pytest.mark.parametrize("command", ["touch x", "make", "python x.py", "ls > x", "X=1 ls", "./ls", "curl http://x"])
def test_in_a_freeze_what_may_change_something_waits(gates: Gates, policy, command: str) -> None:
    policy('[[freeze]]\nreason = "now"\n' + ALL)
    opened = gates.wants("ls", command)
    assert "freeze" in opened.holding
    assert "now" in opened.reason("freeze")


def test_in_a_freeze_looking_goes_on(gates: Gates, policy) -> None:
    policy(
        'harmless = ["make check"]\n[[freeze]]\nreason = "now"\n[[rule]]\nid = "q"\naction = "approve"\nchanges = false'
    )
    assert gates.wants("ls -l | head", "git diff", ("read_file", {"path": "x"}), "make check").verdict == "approve"


# -- production ---------------------------------------------------------------------------------------------------

PRODUCTION = """
[[production]]
name = "shop"
hosts = ["*.prod.example.com", "10.1.2.3"]
databases = ["billing"]
contexts = ["prod-eu", "arn:aws:eks:*:cluster/main"]
paths = ["/srv/shop/*", "deploy/live/*"]
needs = 2
"""
NAMES = [
    "psql postgres://app:secret@db.prod.example.com:5432/x", "psql -h db.prod.example.com",
    "mysql -hdb.prod.example.com",
    "psql --host=DB.Prod.Example.COM", "psql 'host=db.prod.example.com user=x'", "ping 10.1.2.3",
    "curl http://10.1.2.3/x",
    "curl https://api.prod.example.com./v1", "ssh root@db.prod.example.com ls", "curl 'http://db%2Eprod.example.com'",
    "psql -d billing", "mysql billing", "psql 'dbname=billing'", "psql -dbilling", "mysqldump --databases billing",
    "psql postgres://h/billing?sslmode=off", "mongosh mongodb://h/billing", "psql -c 'select 1 from billing.orders'",
    "kubectl --context prod-eu get pods", "kubectl --context=prod-eu get pods", "AWS_PROFILE=prod-eu aws s3 ls",
    "terraform workspace select prod-eu", "TF_WORKSPACE=prod-eu terraform plan", "export AWS_PROFILE=prod-eu",
    "kubectl --context arn:aws:eks:eu-1:123:cluster/main get pods", "gcloud config set project prod-eu",
    "sh -c 'kubectl --context prod-eu get pods'", "H=db.prod; psql -h $H.example.com",
    'psql -h db".prod"".example.com"',
    "python -c \"connect('db.prod.example.com')\"", "cat <<E | sh\npsql -h db.prod.example.com\nE",
    "cat /srv/shop/a", "ls /srv/shop", "cat /srv//shop/./a", "cat /srv/other/../shop/a", "cat deploy/live/x",
    "cd deploy && cat live/x", "cat src/../deploy/live/x", "rm -r /srv", "mv /srv /old", "cat /srv/s*/a",
    "cat /srv/*/a",
    "cat link/a", "ls below/../deploy/live/x", "bash -c 'cat /srv/shop/a'", "find /srv/shop -name x",
    "tar czf x /srv/shop",
    "cp --target-directory=/srv/shop x", "echo x > /srv/shop/a", "python -c \"open('/srv/shop/a')\"",
    "dd of=/srv/shop/a",
    "cat < /srv/shop/a", "sudo cat /srv/shop/a", "cat file:///srv/shop/a",
]  # fmt: skip
OTHERS = [
    "psql -h db.test.example.com", "psql -h db.prod.example.com.evil.org", "psql -h xprod.example.com",
    "ping 10.1.2.30",
    "ping 110.1.2.3", "psql -d billing_test", "cat billing2.md", "cat rebilling",
    "kubectl --context prod-eu-2 get pods",
    "cat /srv/shopping/a", "cat /opt/srv.shop", "cat /srv", "cat deploy/test/x", "ls /", "cat live/x",
    "cat /srv/[t]*/a",
]  # fmt: skip


@pytest.fixture
def links(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A link in the workspace to what stands for /srv/shop, and a folder."""
    (workspace / "deploy" / "live").mkdir(parents=True)
    (workspace / "below").mkdir()
    (workspace / "link").symlink_to("/srv/shop")
    return workspace


@pytest.mark.parametrize("command", NAMES)
def test_whatever_names_production_waits_for_two(gates: Gates, policy, links: Path, command: str) -> None:
    policy(PRODUCTION + ALL)
    opened = gates.wants(command)
    assert "production:shop" in opened.holding, opened.checks
    assert (opened.gate.needs, opened.verdict) == (2, None)
    assert gates.does("ls", command).gate.needs == 2


@pytest.mark.parametrize("command", OTHERS)
def test_what_only_resembles_it_does_not(gates: Gates, policy, links: Path, command: str) -> None:
    policy(PRODUCTION + ALL)
    assert "production:shop" not in gates.wants(command).holding


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("http_get", {"url": "https://x.prod.example.com/"}),
        ("query", {"connection": {"host": "x.prod.example.com"}, "sql": "select 1"}),
        ("write_file", {"path": "/srv/shop/a", "content": "x"}), ("edit", {"edits": [{"file_path": "deploy/live/x"}]}),
        ("apply_patch", {"input": "*** Begin Patch\n*** Update File: deploy/live/x\n*** End Patch"}),
        ("delete_directory", {"path": "link"}), ("shell", {"cmd": ["kubectl", "--context", "prod-eu", "get", "po"]}),
        ("bash", {"command": "cat live/x", "cwd": "deploy"}), ("bash", {"command": "cat a", "workdir": "/srv/shop"}),
        ("local_shell", {"action": {"command": ["bash", "-lc", "cat /srv/shop/a"]}}),
    ],
)  # fmt: skip
def test_tools_name_production_too(gates: Gates, policy, links: Path, tool: str, arguments: object) -> None:
    policy(PRODUCTION + ALL)
    opened = gates.wants((tool, arguments))
    assert "production:shop" in opened.holding, opened.checks
    assert opened.gate.needs == 2


# -- the station's own records ------------------------------------------------------------------------------------


def own_commands(tmp: Path) -> list[str]:
    db, state = tmp / "records" / "review.db", tmp / "state" / "review-tui"
    return [
        f"cat {db}", f"rm {db}-wal", f"cp x {db}-shm", f"sqlite3 {db} 'select 1'", "sqlite3 review.db",
        "cat ../records/review.db",
        f"rm -rf {tmp / 'records'}", f"mv {tmp / 'records'} x", f"chmod -R 777 {tmp}", f"cat {tmp}/records/rev*",
        f"ls {state / 'snapshots'}", f"rm -r {state}", "cat ~/../state/review-tui/snapshots/x",
        f"cat {tmp / 'operator' / 'policy.toml'}", f"echo x > {tmp / 'operator' / 'policy.toml'}",
        f"touch {tmp / 'config' / 'review-tui' / 'policy.toml'}", f"ls {tmp / 'config' / 'review-tui'}",
        f"touch {tmp / 'operator' / 'stages.toml'}", "python -c \"open('review.db')\"", "cat operator",
        "review-tui gate decide x --verdict approve", "review-tui undo r1", "review-tui --db x.db gate decide g",
        "review-tui redo r1", "review-tui gate release --all", "review-tui gate audit x", "review-tui db prune",
        "review-tui workspace restore x", "review-tui", "python -m review_tui undo r1", "sudo review-tui undo r",
        "sh -c 'review-tui gate decide x'", "REVIEW_TUI_DB=x ls", "export REVIEW_TUI_POLICY=/tmp/x",
        "env -u REVIEW_TUI_GATED_RUN sh", "python -c 'from labels.operating import decide'",
        "python - <<E\nimport sessions.live.deciding\nE",
        f"python -c \"open('{tmp}/operator/policy.toml', 'w')\"",
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(38))
def test_the_stations_own_records_are_left_alone(
    gates: Gates, policy, tmp_path: Path, workspace: Path, number: int
) -> None:
    policy(ALL + '[[stages]]\nfile = "stages.toml"\nagents = ["nobody"]\n')
    (workspace / "operator").symlink_to(tmp_path / "operator" / "policy.toml")
    command = own_commands(tmp_path)[number]
    opened = gates.wants(command)
    assert "own-records" in opened.holding, command
    assert opened.gate.risk == 1.0


def test_all_of_them_were_tried(tmp_path: Path) -> None:
    assert len(own_commands(tmp_path)) == 38


def test_code_that_puts_the_home_folder_before_it(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME")
    code = "import pathlib; (pathlib.Path.home() / '.config/review-tui' / 'policy.toml').write_text('')"
    assert "own-records" in gates.wants(("python", {"code": code})).holding
    assert gates.wants(("python", {"code": code.replace("review-tui", "other")})).holding == set()


@pytest.mark.parametrize(
    "command",
    ["review-tui gate open --json - --wait", "review-tui --version", "review-tui show r1", "review-tui gate list",
     "review-tui history r1 --json", "ls", "cat review.md", "cat policy.toml", "grep -r review-tui ."],
)  # fmt: skip
def test_what_an_agent_may_ask_of_the_station(gates: Gates, policy, command: str) -> None:
    policy(ALL)
    assert gates.wants(command).holding == set()


def test_tools_touch_them_too(gates: Gates, policy, db: Path) -> None:
    policy(ALL)
    for call_ in [("write_file", {"path": str(db)}), ("sqlite_query", {"db_path": str(db), "query": "select 1"})]:
        assert "own-records" in gates.wants(call_).holding


# -- a policy that cannot be used ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[rule]", "not valid TOML"), (b"colour = 1", "`colour` is no field of a policy"), (b"\xff", "not UTF-8"),
        (b'[[rule]]\nid = "x"\naction = "aprove"', "rule 'x'"), (b"# x\n" * 300_000, "larger than 128 KiB"),
        (b"a." * 50 + b"b = 1", "more than 30 parts"), (b"x = " + b"[" * 3_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_broken_policy_holds_every_gate_and_says_why(gates: Gates, policy, content: bytes, words: str) -> None:
    path = policy(ALL)
    assert gates.does("ls").verdict == "approve"
    path.write_bytes(content)
    opened = gates.does("ls")
    assert (opened.verdict, opened.holding) == (None, {"policy-unusable"})
    assert words in opened.gate.reason
    assert "\n" not in opened.gate.reason
    path.write_text(ALL)
    assert gates.does("ls").verdict == "approve", "read again when it changes"


def test_a_policy_that_is_gone_or_no_file_holds(gates: Gates, policy) -> None:
    path = policy(ALL)
    assert gates.does("ls").verdict == "approve"
    path.unlink()
    assert "there is no" in gates.does("ls").gate.reason
    path.mkdir()
    assert "is a folder" in gates.does("ls").gate.reason
    path.rmdir()
    os.mkfifo(path)
    assert "no regular file" in gates.does("ls").gate.reason
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("")
    assert "Not a directory" in gates.does("ls").gate.reason


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is unreadable for root")
def test_an_unreadable_policy_holds(gates: Gates, policy) -> None:
    policy(ALL).chmod(0)
    assert "Permission denied" in gates.does("ls").gate.reason


def test_an_unreadable_policy_is_an_error_whoever_asks(policy, monkeypatch: pytest.MonkeyPatch) -> None:
    path = policy(ALL)

    def refused(self: Path, *_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(inforce.UserError, match=f"cannot read the policy {path}: Permission denied"):
        inforce.in_force()


def test_a_policy_in_the_workspace_is_refused(
    gates: Gates, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = workspace / "policy.toml"
    inside.write_text(ALL)
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(inside))
    assert "lies in the agent's workspace" in gates.does("ls").gate.reason
    outside = tmp_path / "link.toml"
    outside.symlink_to(inside)
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(outside))
    assert "lies in the agent's workspace" in gates.does("ls").gate.reason, "nor through a link"
    beside = tmp_path / "work-policy.toml"
    beside.write_text(ALL)
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(beside))
    assert gates.does("ls").verdict == "approve"


def test_the_policy_of_the_configuration_folder(gates: Gates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config" / "review-tui" / "policy.toml"
    assert inforce.policy_path() == path
    assert gates.does("ls").verdict is None
    path.parent.mkdir(parents=True)
    path.write_text(ALL)
    assert gates.does("ls").verdict == "approve"
    path.unlink()
    assert gates.does("ls").holding == set(), "it was never named, so its absence says nothing"


def test_it_is_read_once(policy, monkeypatch: pytest.MonkeyPatch) -> None:
    path = policy(ALL)
    first = inforce.in_force()
    assert inforce.in_force() is first
    os.utime(path, ns=(1, 1))
    assert inforce.in_force() is not first
    assert inforce.in_force() == first


def test_a_gate_is_judged_at_the_time_that_is_given(gates: Gates, policy) -> None:
    policy(FREEZE + ALL)
    seen = []

    class Context:
        pass

    real = check.judge

    def judged(context, now):
        seen.append(context)
        return real(context, now)

    check.judge, before = judged, check.judge
    try:
        gates.wants("touch x")
    finally:
        check.judge = before
    (context,) = seen
    assert "freeze" in [item.rule.partition("@")[0] for item in real(context, datetime(2026, 12, 24, tzinfo=UTC))]
    assert "freeze" not in [item.rule.partition("@")[0] for item in real(context, datetime(2026, 11, 24, tzinfo=UTC))]
