"""git and the services around it: history, uncommitted work, shared branches, hosted repositories.

Sources: git's reference (git-reset, -clean, -checkout, -restore, -push, -branch, -stash, -reflog, -gc, -filter-branch
and others), GitHub's and GitLab's command line manuals. What the reflog keeps (amend, rebase, a moved branch) has a way
back; work that was never committed, the reflog itself and other people's refs have none.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line, parse
from labels.commands.rules.base import Finding, Rule, Tool, row

RESET = Rule("git.reset-hard", "git reset --hard throws away every uncommitted change.", 0.9)
CLEAN = Rule("git.clean", "git clean -f deletes untracked files; git never had a copy of them.", 0.9)
CHECKOUT = Rule("git.checkout-discards", "overwrites changes in the working tree that were never committed.", 0.85)
RESTORE = Rule("git.restore-discards", "git restore overwrites uncommitted changes in the working tree.", 0.85)
SWITCH = Rule("git.switch-discards", "switches branches and throws uncommitted changes away.", 0.85)
FORCE_PUSH = Rule("git.push-force", "a forced push overwrites history that others share.", 0.95)
PUSH_DELETE = Rule("git.push-delete", "deletes branches or tags in a repository that others share.", 0.9)
BRANCH = Rule("git.branch-delete", "deletes a branch even if its commits are merged nowhere.", 0.8)
TAG = Rule("git.tag-delete", "deletes a tag; it has no reflog to come back from.", 0.65)
STASH = Rule("git.stash-drop", "deletes stashed changes.", 0.85)
REFLOG = Rule("git.reflog-expire", "deletes the reflog, the only way back to commits that no branch holds.", 0.95)
PRUNE = Rule("git.gc-prune", "deletes at once the commits that no branch holds.", 0.9)
REWRITE = Rule("git.rewrite-history", "rewrites the whole history of the repository.", 0.95)
WORKTREE = Rule("git.worktree-force", "deletes a working tree or a submodule with its uncommitted changes.", 0.85)
REMOVE = Rule("git.rm-force", "git rm -f deletes files although they have changes that were never committed.", 0.8)
REF = Rule("git.delete-ref", "deletes a reference directly.", 0.8)
HOSTED = Rule(
    "git.hosted-delete", "deletes a hosted repository, release, secret or something like it for everybody.", 0.95
)
PUBLIC = Rule(
    "secrets.repository-public", "makes a repository public; what was seen once cannot be hidden again.", 0.9, "secrets"
)

_VALUED = "-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix --attr-source"
_FILE = re.compile(
    r".*\.(?:py|js|jsx|ts|tsx|go|rs|c|h|cc|cpp|hpp|java|kt|rb|php|cs|swift|md|rst|txt|json|ya?ml|toml|ini|cfg|conf|sh|sql|html?|css|scss|lock|"
    r"xml|ipynb|csv|env|tf|vue|svelte|lua|pl|r|scala|ex|exs|erl|hs|ml|gradle|proto|mk|cmake)|(?:.*/)?(?:Makefile|Dockerfile|Gemfile|LICENSE)"
    r"|\.\.?|\./.*|.*/|:/|.*\*.*"
)


def _git(call: Call, line: Line) -> Finding | None:
    if not line.words:
        return None
    sub = line.words[0]
    place = call.args.index(sub) if sub in call.args else 0
    args = call.args[place + 1 :]
    if sub == "clean" and any(value.lower() == "clean.requireforce=false" for value in line.values("-c")):
        args = ["-f", *args]
    judge = _SUBCOMMANDS.get(sub)
    return judge(args) if judge else None


def _reset(args: list[str]) -> Finding | None:
    line = parse(args, abbreviates=True)
    return Finding(RESET) if line.has("--hard", "--merge") else None


def _clean(args: list[str]) -> Finding | None:
    line = parse(args, frozenset({"-e", "--exclude"}), abbreviates=True)
    if line.has("-n", "--dry-run") or line.has("-i", "--interactive"):
        return None
    return Finding(CLEAN) if line.has("-f", "--force") else None


def _checkout(args: list[str]) -> Finding | None:
    line = parse(args, frozenset({"-b", "-B", "--orphan", "--pathspec-from-file"}), abbreviates=True)
    if line.has("-f", "--force"):
        return Finding(CHECKOUT, "--force")
    if line.has("--pathspec-from-file"):
        return Finding(CHECKOUT)
    if line.has("-b", "-B", "--orphan", "--ours", "--theirs", "-p", "--patch", "--detach", "-t", "--track"):
        return None
    if "--" in args:
        after = args[args.index("--") + 1 :]
        return Finding(CHECKOUT, after[0]) if after else None
    files = [word for word in line.words if _FILE.fullmatch(word)]
    if files:
        return Finding(CHECKOUT, files[0])
    # `git checkout TREE PATH...` takes the paths from the tree; a branch alone is only switched to
    return Finding(CHECKOUT, line.words[1]) if len(line.words) > 1 else None


def _restore(args: list[str]) -> Finding | None:
    line = parse(args, frozenset({"-s", "--source", "--pathspec-from-file", "--conflict"}), abbreviates=True)
    if line.has("-p", "--patch"):
        return None
    staged = line.has("--staged", "-S")
    worktree = line.has("--worktree", "-W")
    names = bool(line.words) or line.has("--pathspec-from-file")
    return Finding(RESTORE, line.words[0] if line.words else "") if names and (worktree or not staged) else None


def _switch(args: list[str]) -> Finding | None:
    return Finding(SWITCH) if parse(args, frozenset({"-c", "-C"})).has("-f", "--force", "--discard-changes") else None


def _push(args: list[str]) -> Finding | None:
    line = parse(args, frozenset({"-o", "--push-option", "--repo", "--receive-pack", "--exec"}))
    if line.has("-n", "--dry-run"):
        return None
    if line.has("-f", "--force", "--mirror") or line.has("--forc", "--for"):
        return Finding(FORCE_PUSH)
    if line.has("-d", "--delete", "--prune", "--del"):
        return Finding(PUSH_DELETE)
    for refspec in line.words[1:]:
        if refspec.startswith("+"):
            return Finding(FORCE_PUSH, refspec)
        if refspec.startswith(":") and len(refspec) > 1:
            return Finding(PUSH_DELETE, refspec)
    return None


def _branch(args: list[str]) -> Finding | None:
    line = parse(args, frozenset({"-u", "--set-upstream-to", "--contains", "--sort", "--format"}), abbreviates=True)
    forced = line.has("-D") or (line.has("-d", "--delete") and line.has("-f", "--force"))
    return Finding(BRANCH, " ".join(line.words[:3])) if forced and not line.has("-r", "--remotes") else None


def _tag(args: list[str]) -> Finding | None:
    line = parse(args, abbreviates=True)
    return Finding(TAG, " ".join(line.words[:3])) if line.has("-d", "--delete") else None


def _stash(args: list[str]) -> Finding | None:
    return Finding(STASH, f"git stash {args[0]}") if args[:1] and args[0] in ("drop", "clear") else None


def _reflog(args: list[str]) -> Finding | None:
    line = parse(args)
    if line.has("-n", "--dry-run"):
        return None
    if line.words[:1] == ["delete"]:
        return Finding(REFLOG)
    return (
        Finding(REFLOG)
        if line.words[:1] == ["expire"]
        and any(flag.startswith(("--expire", "--all", "--stale")) for flag in line.flags)
        else None
    )


def _gc(args: list[str]) -> Finding | None:
    when = parse(args).flags.get("--prune", "")
    return Finding(PRUNE, f"--prune={when}") if when and when != "never" and not when.startswith("2.weeks") else None


def _prune(args: list[str]) -> Finding | None:
    return None if parse(args).has("-n", "--dry-run") else Finding(PRUNE)


def _rewrite(args: list[str]) -> Finding | None:
    line = parse(args)
    return None if line.has("--analyze", "--dry-run", "-h", "--help") or not args else Finding(REWRITE)


def _worktree(args: list[str]) -> Finding | None:
    line = parse(args)
    return Finding(WORKTREE) if line.words[:1] == ["remove"] and line.has("-f", "--force") else None


def _submodule(args: list[str]) -> Finding | None:
    line = parse(args)
    forced = line.words[:1] == ["deinit"] and line.has("-f", "--force")
    return Finding(WORKTREE) if forced or (line.words[:1] == ["update"] and line.has("-f", "--force")) else None


def _rm(args: list[str]) -> Finding | None:
    line = parse(args)
    return Finding(REMOVE) if line.has("-f", "--force") and not line.has("--cached", "-n", "--dry-run") else None


def _update_ref(args: list[str]) -> Finding | None:
    return Finding(REF) if parse(args).has("-d", "--delete") else None


def _symbolic(args: list[str]) -> Finding | None:
    return Finding(REF) if parse(args).has("-d", "--delete") else None


def _read_tree(args: list[str]) -> Finding | None:
    line = parse(args)
    return Finding(RESET) if line.has("--reset") and line.has("-u") else None


def _checkout_index(args: list[str]) -> Finding | None:
    return Finding(CHECKOUT) if parse(args).has("-f", "--force") else None


def _annex(args: list[str]) -> Finding | None:
    return Finding(REMOVE) if args[:1] == ["drop"] and "--force" in args else None


_SUBCOMMANDS = {
    "reset": _reset,
    "clean": _clean,
    "checkout": _checkout,
    "co": _checkout,
    "restore": _restore,
    "switch": _switch,
    "push": _push,
    "branch": _branch,
    "br": _branch,
    "tag": _tag,
    "stash": _stash,
    "reflog": _reflog,
    "gc": _gc,
    "prune": _prune,
    "filter-branch": _rewrite,
    "filter-repo": _rewrite,
    "worktree": _worktree,
    "submodule": _submodule,
    "rm": _rm,
    "update-ref": _update_ref,
    "symbolic-ref": _symbolic,
    "read-tree": _read_tree,
    "checkout-index": _checkout_index,
    "annex": _annex,
}
_GATE = (
    "reset clean checkout co restore switch push branch br tag stash reflog gc prune filter worktree submodule "
    "rm update "
    "symbolic read annex"
)


def _gh_api(_call: Call, line: Line) -> Finding | None:
    if line.words[:1] != ["api"]:
        return None
    method = (line.value("-X", "--method") or "").upper()
    return Finding(HOSTED, line.words[1] if len(line.words) > 1 else "") if method == "DELETE" else None


def _visibility(_call: Call, line: Line) -> Finding | None:
    return Finding(PUBLIC) if line.value("--visibility") == "public" else None


def _publishes(_call: Call, line: Line) -> Finding | None:
    """A new public repository that is filled from a folder."""
    return Finding(PUBLIC) if line.has("--public") and line.has("--push", "--source", "-s") else None


TOOLS = (
    Tool("git", check=_git, gate=_GATE, valued=_VALUED, dry=("--help", "--version", "-h")),
    Tool("git-filter-repo bfg", check=lambda call, line: _rewrite(call.args), gate="*", dry=()),
    Tool(
        "gh",
        row(HOSTED, "repo|release|secret|variable|issue|label|gist|project|codespace|cs|run|workflow|ruleset delete"),
        row(HOSTED, "repo deploy-key delete"),
        row(HOSTED, "release delete-asset"),
        row(PUBLIC, "repo edit", when=_visibility),
        row(PUBLIC, "repo create", when=_publishes),
        row(None, "cache delete"),
        valued="-R --repo -X --method --visibility -H -f -F -b --body -t --title",
        check=_gh_api,
        gate="api",
    ),
    Tool(
        "glab",
        row(HOSTED, "repo|project|release|variable|issue|mr|label|snippet|schedule|ssh-key delete"),
        valued="-R --repo",
    ),
    Tool("hub tea", row(HOSTED, ".. delete")),
    Tool(
        "hg",
        row(RESET, "update|up|checkout|co", any="-C --clean"),
        row(RESTORE, "revert", any="-a --all -C --no-backup"),
        row(CLEAN, "purge|clean"),
        row(REWRITE, "strip"),
        valued="-R --repository --cwd --config",
    ),
    Tool(
        "svn",
        row(RESTORE, "revert", any="-R --recursive --depth"),
        row(CLEAN, "cleanup", any="--remove-unversioned"),
        row(
            PUSH_DELETE,
            "delete|rm|del|remove",
            when=lambda call, line: Finding(PUSH_DELETE) if any("://" in word for word in line.words) else None,
        ),
    ),
    Tool("jj", row(CHECKOUT, "op|operation abandon"), row(RESTORE, "restore")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
