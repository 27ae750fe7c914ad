"""docs/policies.md: its policy is a policy, and does what the page says."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gating import Gates, call

from labels.policies import judging, words
from labels.policies.judging import Subject
from labels.policies.model import FATAL_AT_MOST, POLICY, Policy, Rule
from labels.policies.touching import MOST_TEXT, touches

PAGE = Path(__file__).resolve().parents[3] / "docs" / "policies.md"


@pytest.fixture
def page(policy) -> Path:
    """The policy of the page, in force."""
    return policy(re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)[0])


def read(path: Path) -> Policy:
    return POLICY.read(path)


def actions(path: Path, *commands: str, agent: str = "bot", steps: int = 1) -> dict[str, str]:
    """What the page's policy says of these commands, before its freeze: rule -> action."""
    found, complete = touches([], [call("bash", {"command": one}) for one in commands], "/work")
    subject = Subject(agent, "r", None, False, steps, False, found, "/work", complete)
    return {item.rule: item.action for item in judging.said(read(path), subject, datetime(2026, 1, 1, tzinfo=UTC))}


def test_the_example_uses_every_field(page: Path) -> None:
    """All that a policy can say is shown, or stands in the table of the page."""
    text = PAGE.read_text()
    for name, info in [*Policy.model_fields.items(), *Rule.model_fields.items()]:
        assert re.search(rf"\b{info.alias or name}\b", text), name
    assert read(page).rules


def test_what_it_approves_holds_and_rejects(page: Path) -> None:
    assert actions(page, "ls", "git log -3") == {"look-around": "approve"}
    assert actions(page, "pytest -q", "git diff")["tests"] == "approve"
    assert actions(page, "pytest -q", "make") == {}
    assert actions(page, "git push --force origin main")["no-force-push"] == "reject"
    assert actions(page, "git push origin -f main")["no-force-push"] == "reject"
    assert actions(page, "git push origin main") == {}
    assert actions(page, "kubectl apply -f x")["deployments"] == "hold"
    assert actions(page, "psql postgres://app@db.prod.example.com:5432/billing")["production:billing"] == "hold"
    assert actions(page, "AWS_PROFILE=prod-eu terraform workspace select prod-eu")["production:billing"] == "hold"
    assert actions(page, "git log", steps=21) == {}


def test_git_add_as_the_page_says(policy) -> None:
    path = policy('[[rule]]\nid = "add"\naction = "approve"\ncommands = ["git add *"]\npaths = ["docs/*"]\n')
    assert actions(path, "git add docs/a.md") == {"add": "approve"}
    assert actions(path, "git add -A .") == {}


def test_at_real_gates(gates: Gates, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (page.parent / "deploy-stages.toml").write_text('[[stage]]\nname = "plan"\n')
    assert gates.wants(("write_file", {"path": "docs/a.md", "content": "x"})).rules.count("write-docs") == 1
    assert gates.wants("terraform apply").gate.needs == 2
    assert "stage:plan:unnamed" in gates.wants("ls", agent="deployer", run="r9").holding


def test_figures_of_the_page() -> None:
    text = PAGE.read_text()
    assert f"over {MOST_TEXT:,} characters" in text
    assert f"({FATAL_AT_MOST} is the most)" in text


def test_every_part_of_a_policy_has_words(page: Path) -> None:
    found = read(page)
    lines = [*words.always(found), *words.holds(found, datetime.now(UTC)), *words.rules(found), *words.rest(found)]
    assert len(lines) == 4 + 2 + 6 + 4
    for item in (*found.freezes, *found.production, *found.rules):
        name = getattr(item, "id", None) or getattr(item, "name", None) or item.reason  # type: ignore[union-attr]
        assert [line for line in lines if str(name) in line]
