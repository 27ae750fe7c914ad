"""Logs and histories: stopping, emptying or forging the record of what was done.

Sources: the manual pages of history (bash), journalctl, auditctl, dmesg, touch; Windows' wevtutil. Deleting and
emptying log files is judged in `files`.
"""

from __future__ import annotations

import re

from labels.commands import paths
from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.paths import Kind, kind
from labels.commands.rules.base import Finding, Rule, Tool, row
from labels.commands.rules.files import DELETE_TYPED

JOURNAL = Rule("logs.journal", "deletes entries of the system's journal.", 0.9, "log-tampering")
AUDIT = Rule("logs.audit", "deletes audit rules or stops auditing and logging.", 0.95, "log-tampering")
KERNEL = Rule("logs.kernel", "clears the kernel's messages.", 0.7, "log-tampering")
WINDOWS = Rule("logs.windows-events", "clears an event log of Windows.", 0.95, "log-tampering")
FORGED_TIME = Rule(
    "logs.forged-time", "gives a log another time than the one at which it was written.", 0.9, "log-tampering"
)

_LOGGERS = re.compile(
    r"(?:auditd|rsyslogd?|syslog(?:-ng)?|systemd-journald|journald|fluentd|fluent-bit|td-agent|filebeat|auditbeat|falco|osqueryd|"
    r"splunk\w*|wazuh-agent|crowdstrike|falcon-sensor|eventlog)(?:\.service|\.socket)?",
    re.IGNORECASE,
)


def _history(call: Call, line: Line) -> Finding | None:
    return Finding(DELETE_TYPED, " ".join(["history", *call.args[:2]])) if line.has("-c", "-d") else None


def _set(call: Call, _line: Line) -> Finding | None:
    """`set +o history`, `unset HISTFILE`, `export HISTFILE=/dev/null`, `shopt -u histappend` is harmless."""
    args = call.args
    if call.name == "set":
        return Finding(DELETE_TYPED, "set +o history") if "+o" in args and "history" in args else None
    if call.name == "unset":
        return (
            Finding(DELETE_TYPED, "unset HISTFILE")
            if any(arg in ("HISTFILE", "HISTSIZE", "HISTFILESIZE") for arg in args)
            else None
        )
    pairs = [arg.partition("=") for arg in args]
    return stops_history([(name, value) for name, equals, value in pairs if equals])


def stops_history(pairs: list[tuple[str, str]]) -> Finding | None:
    """Assignments that keep the shell from writing its history."""
    for name, value in pairs:
        if (name == "HISTFILE" and value in ("", "/dev/null")) or (
            name in ("HISTSIZE", "HISTFILESIZE", "SAVEHIST") and value == "0"
        ):
            return Finding(DELETE_TYPED, f"{name}={value}")
    return None


def _service(_call: Call, line: Line) -> Finding | None:
    stops = {"stop", "disable", "mask", "kill"} & set(line.words)
    name = next((word for word in line.words if _LOGGERS.fullmatch(word)), "")
    return Finding(AUDIT, name) if stops and name else None


def _kill_logger(_call: Call, line: Line) -> Finding | None:
    name = next((word for word in line.words if _LOGGERS.fullmatch(word)), "")
    return Finding(AUDIT, name) if name else None


def _touch(_call: Call, line: Line) -> Finding | None:
    if not line.has("-t", "-d", "--date", "-r", "--reference"):
        return None
    return next(
        (Finding(FORGED_TIME, word) for word in line.words if paths.is_log(word) or kind(word) is Kind.HISTORY), None
    )


def _audit(_call: Call, line: Line) -> Finding | None:
    return Finding(AUDIT) if line.has("-D") or line.value("-e") == "0" or line.has("-d", "-W") else None


TOOLS = (
    Tool("history", check=_history, gate="*", valued="-d"),
    Tool("set unset", check=_set, gate="history histfile histsize histfilesize"),
    Tool(
        "export declare local readonly typeset setopt",
        check=_set,
        gate="histfile histsize histfilesize savehist",
        dry=(),
    ),
    Tool("clear-history", row(DELETE_TYPED), gate="*"),
    Tool("journalctl", row(JOURNAL, any="--vacuum-time --vacuum-size --vacuum-files"), gate="vacuum"),
    Tool("auditctl", check=_audit, gate="*", valued="-e -a -w -k -p -F -S"),
    Tool("dmesg", row(KERNEL, any="-c -C --clear --read-clear"), gate="*"),
    Tool(
        "systemctl service rc-service invoke-rc.d sv initctl launchctl",
        check=_service,
        gate="stop disable mask kill",
        dry=("--help",),
    ),
    Tool("pkill killall", check=_kill_logger, gate="*"),
    Tool(
        "sc net stop-service set-service",
        check=lambda call, line: (
            Finding(AUDIT)
            if any(_LOGGERS.fullmatch(word) for word in line.words)
            and (call.name == "stop-service" or {"stop", "delete", "disabled"} & {word.lower() for word in line.words})
            else None
        ),
        gate="*",
    ),
    Tool("touch", check=_touch, gate="*", valued="-t -d --date -r --reference"),
    Tool("wevtutil", row(WINDOWS, "cl|clear-log|sl"), gate="cl clear sl"),
    Tool("clear-eventlog remove-eventlog limit-eventlog", row(WINDOWS), gate="*", long_dash=True, fold=True),
    Tool(
        "auditpol",
        check=lambda call, line: (
            Finding(AUDIT)
            if any(arg.lower() in ("/clear", "/remove") or arg.lower().endswith(":disable") for arg in call.args)
            else None
        ),
        gate="clear remove disable",
    ),
    Tool("fsutil", row(WINDOWS, "usn deletejournal")),
    Tool("lastlog", row(AUDIT, any="-C --clear"), gate="*"),
    Tool("log", row(JOURNAL, "erase")),
    Tool("atuin", row(DELETE_TYPED, "search", any="--delete --delete-it-all")),
    Tool("setenforce", row(AUDIT, "0|permissive"), gate="0 permissive"),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
