"""What certainly changes nothing: commands and tools that only look.

A freeze holds whatever may change something, and `changes = false` approves only what certainly does not. So this is a
list of what is known to look, after the programs' manuals; what is not on it may change something. That a program reads
a file does not make it harmless to everybody: production targets are another matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Args = Sequence[str]

_ALWAYS = frozenset(
    "ls dir vdir cat head tail grep egrep fgrep ag wc pwd which whereis type stat du df ps pgrep pstree uname id "
    "whoami groups printenv uptime free true false test [ basename dirname realpath readlink md5sum sha1sum "
    "sha224sum sha256sum sha384sum sha512sum b2sum cksum sum cmp comm diff cut tr nl tac rev fold fmt od hexdump "
    "strings jq column paste join seq sleep echo printf lscpu lsblk lsof netstat getent cal cd pushd popd expand "
    "unexpand look nproc arch tty locale nslookup dig host who w last vmstat iostat lsmod zcat zgrep bzcat xzcat "
    "egrep colordiff tokei cloc".split()
)
#: What `sed` may be told: to print lines.
_PRINTS = re.compile(r"[\d,$;\s]*p[\d,$;p\s]*|/[\w .:-]*/p")
_GIT = frozenset(
    "status log show diff blame annotate ls-files ls-tree rev-parse rev-list describe shortlog cat-file "
    "for-each-ref merge-base name-rev whatchanged count-objects diff-tree diff-files diff-index show-ref "
    "show-branch cherry range-diff check-ignore check-attr var version help".split()
)
#: Options by which git runs a program or writes a file, and those by which it changes branches and tags. Long options
#: stand as short as they may be abbreviated.
_GIT_ACTS = ("-c", "-O", "--exec", "--out", "--ext-d", "--open", "--upl", "--config-e")
_GIT_BRANCHES = (
    "-d", "-D", "-m", "-M", "-c", "-C", "-f", "-u", "--del", "--mov", "--cop", "--edi", "--set", "--uns", "--for",
)  # fmt: skip
_VALUED = frozenset(
    "-n --namespace --context --cluster --kubeconfig --user -H --host --config -l --log-level -C --git-dir "
    "--work-tree -f --file -p --project-name --profile --region --kube-context".split()
)
_KUBECTL = frozenset("get describe logs top explain version api-resources api-versions events diff".split())
_DOCKER = frozenset("ps images logs inspect version info top stats port history diff search".split())
_SECOND = {
    "kubectl": {
        "config": "view current-context get-contexts get-clusters get-users",
        "rollout": "status history",
        "auth": "can-i whoami",
    },
    "docker": {
        "image": "ls list inspect history",
        "container": "ls list inspect logs top stats port",
        "volume": "ls inspect",
        "network": "ls inspect",
        "system": "df info",
        "context": "ls inspect show",
    },
    "terraform": {"state": "list show", "workspace": "list show"},
    "git": {
        "stash": "list show",
        "worktree": "list",
        "remote": "show get-url",
        "notes": "list show",
        "submodule": "status",
        "bisect": "log view",
        "reflog": "show exists",
    },
    "helm": {"repo": "list", "plugin": "list", "dependency": "list", "search": "repo hub"},
}
_TERRAFORM = frozenset("validate show version output graph".split())
_HELM = frozenset("list ls status get history show version lint env".split())
_SYSTEMCTL = frozenset("status show cat get-default help".split())
_JOURNAL_ACTS = ("--ro", "--vac", "--fl", "--sy", "--rel", "--setup", "--up")
_FIND_ACTS = ("-exec", "-ok", "-delete", "-fprint", "-fls")

#: Tools by their own names, and words that begin the name of one that looks, unless another word in it does not.
_TOOLS = frozenset(
    "read readfile view viewfile cat ls glob grep search find think thinking sequentialthinking todoread "
    "todowrite updateplan notebookread readmanyfiles toolsearch websearch codebasesearch askuser askuserquestion "
    "askhuman listdirectory listfiles listdir readtextfile filesearch getfilecontents bashoutput taskoutput".split()
)
_LOOKS = frozenset(
    "read get list search find view show describe explain fetch lookup look count check inspect query".split()
)
_ACTS = frozenset(
    "replace delete remove write create update insert send drop set put post edit move rename run execute exec "
    "apply deploy refund cancel buy pay charge transfer publish push merge commit upload add append clear reset "
    "restart stop start kill scale out in up and or then pop claim consume ack acknowledge lock release approve "
    "reject grant revoke invite".split()
)
_PIECES = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SELECTS = re.compile(r"\s*(?:SELECT|SHOW|EXPLAIN|DESCRIBE|DESC|VALUES|TABLE)\b", re.IGNORECASE)
_SQL_ACTS = re.compile(
    r"\b(?:INTO|INSERT|UPDATE|DELETE|DROP|TRUNCATE|ALTER|CREATE|REPLACE|MERGE|GRANT|REVOKE|CALL|EXEC|EXECUTE|DO|SET|COPY|LOCK"
    r"|ANALYZE|VACUUM|REFRESH|ATTACH|DETACH|LOAD_FILE|SLEEP|(?:PG_|LO_|DBLINK|XP_|SP_|SYS_|UTL_|DBMS_)\w*|SETVAL|NEXTVAL)\b",
    re.IGNORECASE,
)  # fmt: skip


def command_looks(name: str, args: Args) -> bool:
    """Whether a command certainly changes nothing. name: of the program, small, without its folder."""
    if name in _ALWAYS:
        return True
    special = _SPECIAL.get(name)
    return special is not None and special(args)


def tool_looks(name: str) -> bool:
    """Whether a tool that is neither a shell nor a database certainly changes nothing, going by its name."""
    pieces = [piece.lower() for piece in _PIECES.findall(name[-200:])]
    if "".join(pieces) in _TOOLS:
        return True
    return bool(pieces) and pieces[0] in _LOOKS and _ACTS.isdisjoint(pieces)


def sql_looks(sql: str) -> bool:
    """Whether SQL certainly changes nothing: it asks, and no word in it could do more. (A function of the database's
    own may; nothing says so here.)"""
    if len(sql) > 20_000 or _SQL_ACTS.search(sql):
        return False
    statements = [part for part in sql.split(";") if part.strip()]
    return bool(statements) and all(map(_SELECTS.match, statements))


# -- programs that look only when told so -------------------------------------------------------------------------


def _words(args: Args) -> list[str]:
    """The words that are no options, nor the values of the common ones."""
    found, skip = [], False
    for arg in args:
        if skip:
            skip = False
        elif arg.startswith("-"):
            skip = arg in _VALUED
        else:
            found.append(arg)
    return found


def _has(args: Args, *begins: str) -> bool:
    return any(arg.startswith(begins) for arg in args)


def _first_in(known: frozenset[str], second: str = "") -> Callable[[Args], bool]:
    """Programs with subcommands. second: whose table of subcommands of subcommands holds besides."""

    def looks(args: Args) -> bool:
        words = _words(args)
        inner = _SECOND.get(second, {}).get(words[0], "") if words else ""
        return bool(words) and (words[0] in known or (len(words) > 1 and words[1] in inner.split()))

    return looks


def _git(args: Args) -> bool:
    if _has(args, *_GIT_ACTS):
        return False
    words = _words(args)
    if not words:
        return False
    if words[0] in ("branch", "tag"):
        return len(words) == 1 and not _has(args, *_GIT_BRANCHES)
    if words[0] == "remote" and len(words) == 1:
        return True
    if words[0] == "config":
        return _has(args, "--get", "--list", "-l")
    return words[0] in _GIT or _first_in(frozenset(), "git")(args)


def _systemctl(args: Args) -> bool:
    words = _words(args)
    return bool(words) and (words[0] in _SYSTEMCTL or words[0].startswith(("is-", "list-")))


def _aws(args: Args) -> bool:
    words = _words(args)
    return len(words) > 1 and (words[:2] == ["s3", "ls"] or words[1].startswith(("describe-", "list-")))


def _sed(args: Args) -> bool:
    options = {arg for arg in args if arg.startswith("-")}
    scripts = [arg for arg in args if not arg.startswith("-")]
    return "-n" in options <= {"-n", "-E", "-r", "-z", "-s", "-u"} and bool(scripts and _PRINTS.fullmatch(scripts[0]))


def _without(letters: str, *begins: str) -> Callable[[Args], bool]:
    """Programs that look unless one of these is given: letters of short options, alone or with others (`-uo`), and
    beginnings of options."""
    short = re.compile(rf"-[A-Za-z0-9]*[{letters}]") if letters else None
    return lambda args: not _has(args, *begins) and not any(short and short.match(arg) for arg in args)


_SPECIAL: dict[str, Callable[[Args], bool]] = {
    "find": _without("", *_FIND_ACTS),
    "rg": _without("", "--pre", "--hostname-bin"),
    "tree": _without("oR"),
    "sort": _without("oT", "--o", "--co", "--t"),
    "uniq": lambda args: len([arg for arg in args if not arg.startswith("-")]) < 2,
    "file": _without("C", "--c"),
    "date": _without("s", "--s"),
    "hostname": lambda args: all(arg.startswith("-") for arg in args) and _without("Fb", "--f", "--b")(args),
    "journalctl": _without("", *_JOURNAL_ACTS),
    "git": _git,
    "kubectl": _first_in(_KUBECTL, "kubectl"),
    "oc": _first_in(_KUBECTL, "kubectl"),
    "docker": _first_in(_DOCKER, "docker"),
    "podman": _first_in(_DOCKER, "docker"),
    "docker-compose": _first_in(_DOCKER | {"config", "ls"}),
    "terraform": _first_in(_TERRAFORM, "terraform"),
    "tofu": _first_in(_TERRAFORM, "terraform"),
    "helm": _first_in(_HELM, "helm"),
    "systemctl": _systemctl,
    "aws": _aws,
    "sed": _sed,
    "command": lambda args: list(args[:1]) in (["-v"], ["-V"]),
}
