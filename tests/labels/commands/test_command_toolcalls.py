"""Tool calls in the shapes of the agents that there are."""

from __future__ import annotations

from typing import Any

import pytest

from labels.commands import judge_call
from sessions.run import arguments_text

#: tool, arguments, the rule that denies, and the passage that the verdict points at.
DENIED: list[tuple[str | None, Any, str, str]] = [
    ("Bash", {"command": "ls && rm -rf /data", "description": "tidy"}, "files.delete-root", "rm -rf /data"),
    ("bash", "git reset --hard", "git.reset-hard", "git reset --hard"),
    ("bash", {"cmd": "git push -f"}, "git.push-force", "git push -f"),
    ("exec_command", {"cmd": "git push -f", "workdir": "/x"}, "git.push-force", "git push -f"),
    ("shell", {"command": ["bash", "-lc", "cd x && rm -rf src"]}, "files.delete-tree", "rm -rf src"),
    ("shell", {"command": ["git", "reset", "--hard"]}, "git.reset-hard", 'command: ["git","reset","--hard"]'),
    ("local_shell", {"action": {"command": ["sh", "-c", "rm -rf src"]}}, "files.delete-tree", "rm -rf src"),
    ("run_shell_command", {"command": "rm -rf src", "directory": "."}, "files.delete-tree", "rm -rf src"),
    ("execute_bash", {"command": "rm -rf src", "is_input": "false"}, "files.delete-tree", "rm -rf src"),
    ("developer__shell", {"command": "rm -rf src"}, "files.delete-tree", "rm -rf src"),
    ("functions.terminal", {"keystrokes": "rm -rf src\n"}, "files.delete-tree", "rm -rf src"),
    ("run_commands", {"commands": ["ls", "rm -rf src"]}, "files.delete-tree", "rm -rf src"),
    ("RunTerminalCmd", {"command": "rm -rf src", "require_user_approval": True}, "files.delete-tree", "rm -rf src"),
    ("powershell", None, "files.delete-tree", "Remove-Item -Recurse -Force C:\\data"),
    ("mcp__postgres__query", {"sql": "SELECT 1; DROP TABLE x"}, "sql.drop-table", "DROP TABLE x"),
    ("execute_sql", {"query": "DELETE FROM users"}, "sql.delete-all", "DELETE FROM users"),
    ("mcp__supabase__apply_migration", {"name": "m", "query": "DROP TABLE x"}, "sql.drop-table", "DROP TABLE x"),
    ("sql", None, "sql.truncate", "TRUNCATE x"),
    ("python", {"code": "import os\nos.remove('prod.db')"}, "files.delete-data", "os.remove('prod.db'"),
    ("python", None, "files.delete-unknown", "shutil.rmtree(path"),
    ("execute_ipython_cell", {"code": "!rm -rf src"}, "files.delete-tree", "!rm -rf src"),
    ("python_execute", {"code": "c.execute('DROP TABLE x')"}, "sql.drop-table", "c.execute('DROP TABLE x'"),
    ("delete_file", {"path": "prod.db"}, "files.delete-data", "prod.db"),
    ("delete_directory", {"path": "src"}, "files.delete-tree", "src"),
    ("write_file", {"path": "/var/log/auth.log", "content": ""}, "logs.empty", "path: /var/log/auth.log\ncontent: "),
    ("drop_table", {"name": "users"}, "tools.deletes", "users"),
    ("github__delete_repository", {"repo": "x/y"}, "tools.deletes", "x/y"),
    ("deleteBucket", {"bucket": "b"}, "tools.deletes", "b"),
    ("terminate_instances", {"ids": "i-1"}, "tools.deletes", "i-1"),
    ("purge_queue", {"queue": "q"}, "tools.deletes", "q"),
    ("delete_all_users", {"confirm": "yes"}, "tools.deletes", "yes"),
    ("reset_database", {"env": "prod"}, "tools.resets", "prod"),
    ("some_new_tool", {"command": "rm -rf src"}, "files.delete-tree", "rm -rf src"),
    ("some_new_tool", {"query": "DROP TABLE x", "limit": 3}, "sql.drop-table", "DROP TABLE x"),
    (None, "rm -rf src", "files.delete-tree", "rm -rf src"),
]  # fmt: skip
#: The texts of the calls above that have no arguments, only a text (a code block).
TEXTS = {"powershell": "Remove-Item -Recurse -Force C:\\data", "sql": "TRUNCATE x", "python": "shutil.rmtree(path)"}

ALLOWED: list[tuple[str | None, Any]] = [
    ("Bash", {"command": "pytest -q"}),
    ("shell", {"command": ["bash", "-lc", "ls -la"]}),
    ("bash", {"command": "rm -rf results", "cwd": "/tmp/work"}),
    ("str_replace_editor", {"command": "create", "path": "x.sh", "file_text": "rm -rf /"}),
    ("Write", {"file_path": "x.py", "content": "os.remove('prod.db')"}),
    ("Edit", {"file_path": "a.sh", "old_string": "rm -rf /", "new_string": "ls"}),
    ("apply_patch", "*** Begin Patch\n-rm -rf /\n*** End Patch"),
    ("write_file", {"path": "app.log", "content": "started"}),
    ("delete_file", {"path": "old.py"}),
    ("python", {"code": "print('rm -rf /')  # os.remove('prod.db')"}),
    ("execute_sql", {"query": "DELETE FROM users WHERE id = 5"}),
    ("web_search", {"query": "how to drop table in postgres"}),
    ("search_files", {"query": "rm -rf"}),
    ("cancel_reservation", {"reservation_id": "4WQ150"}),
    ("delete_user", {"user_id": "u1"}),
    ("return_delivered_order_items", {"order_id": "#1", "item_ids": ["2"]}),
    ("remove_from_cart", {"item": "x"}),
    ("clear_cart", {}),
    ("drop_off_package", {"id": 3}),
    ("format_date", {"d": "2020-01-01"}),
    ("truncate_text", {"text": "x", "length": 3}),
    ("reset_environment", {}),
    ("terminate", {"status": "success"}),
    ("list_deleted_buckets", {}),
    ("get_database", {}),
    ("undelete_database", {}),
    ("think", {"thought": "I should not run rm -rf /"}),
    ("TodoWrite", {"todos": [{"content": "drop table users", "status": "pending"}]}),
    ("unknown", {}),
    (None, None),
    ("bash", None),
    ("", {"command": 5, "sql": None, "code": ["x", 3, None]}),
]


def text_of(name: str | None, arguments: Any) -> str:
    return TEXTS[name or ""] if arguments is None and name in TEXTS else arguments_text(arguments)


@pytest.mark.parametrize(("name", "arguments", "rule", "passage"), DENIED)
def test_denied(name: str | None, arguments: Any, rule: str, passage: str) -> None:
    text = text_of(name, arguments)
    verdict = judge_call(name, arguments, text)
    assert verdict.rule == rule
    assert text[verdict.start : verdict.end] == passage


@pytest.mark.parametrize(("name", "arguments"), ALLOWED)
def test_allowed(name: str | None, arguments: Any) -> None:
    assert judge_call(name, arguments, arguments_text(arguments)).rule == ""


def test_a_passage_with_quotes_is_found_in_its_json_form() -> None:
    arguments = {"command": ["bash", "-lc", 'rm -rf "a b" src'], "timeout_ms": 10}
    text = arguments_text(arguments)
    verdict = judge_call("shell", arguments, text)
    assert text[verdict.start : verdict.end] == 'rm -rf \\"a b\\" src'
