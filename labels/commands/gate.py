"""A cheap look at a command: whether any rule could deny it. Exact: what it lets go, no rule would have denied.

Every rule belongs to a program, and most to a few words of it; a text without such a pair holds nothing to judge. This
costs a microsecond or two, and no parser is loaded for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from labels.commands import interpreters, registry
from labels.commands.call import SHORT_NAMES

_WORDS = re.compile(r"[a-z0-9_]+")
#: The pieces of a variable's name say what it holds.
_PIECES = re.compile(r"[a-z0-9]+")
#: A quote or backslash inside a word: `r\m`, `r""m`.
_SPLICED = re.compile(r"\w(?:\\\n|['\"\\])+\w")
#: A blank that is written as printf and many languages write it: `\\nrm`.
_ESCAPED_BLANK = re.compile(r"\\[nrt]")
_SPLICES = re.compile(r"\\\n|['\"\\]")
#: Words that are put together when it runs: ANSI-C quotes, escapes, `${A}b`, `a$(b)`, `r{m,}`.
_DISGUISED = re.compile(
    r"\$'|\\x[0-9a-f]{2}|\\0?[0-7]{3}|[\w}]\$[\w{(]|\$\{\w+\}\w|\)\w|\w\{[^{}\s]{0,40},|,[^{}\s]{0,40}\}\w",
    re.IGNORECASE,
)
#: Parts of names of files that are missed when they are overwritten; `paths` has the patterns.
_RISKY_NAMES = (
    "log|hist|audit|passwd|shadow|group|sudoers|fstab|crypttab|sqlite|dump|backup|snapshot|prod|secret|credential|service|"
    "kubeconfig|key|tfstate|tfvars|parquet|duckdb|realm|qcow|vmdk|gcloud|secure|message|access|securit|kern|daemon|server|"
    "cloudtrail|event|auth|journal|viminfo|lesshst|hsts|netrc|pgpass|npmrc|pypirc|htpasswd|id_rsa|id_dsa|id_ecdsa|id_ed25519|pem|pfx|"
    r"p12|kdbx|jks|asc|gpg|ppk|windows|program|[uwb]tmp|\$|\.db|\.s3db|\.m?db|\.accdb|\.rdb|\.aof|\.ibd|\.frm|\.my|\.mdf|\.ldf|"
    r"\.rman|\.vdi|\.vhd|\.ova|\.fdb|\.sql|\.env|\.git|\.hg|\.svn|\.bzr|\.jj|\.ssh|\.aws|\.gnupg|\.kube|\.azure|\.docker|"
    r"/dev/(?!null\b|std|tty|fd)|/etc/|/usr/|/var/|/bin/|/sbin/|/lib|/boot/|/proc/|/sys|/run/|/applications|/nix/|/snap/"
)
_RISKY_TARGET = re.compile(rf">[|&]?[ \t]*[^\s;&<>]*(?:{_RISKY_NAMES})")
#: `:(){ :|:& };:` under any name.
FORK_BOMB = re.compile(r"([\w:.]{1,20})\s*\(\)\s*\{[^{}]{0,80}?\1\s*\|\s*\1\s*&")
#: From here on a table is faster than an expression.
_LONG = 2_000
_BLANKS = bytes(code if code < 128 and (chr(code).isalnum() or code == 95) else 32 for code in range(256))


@cache
def _programs() -> Mapping[str, frozenset[str] | None]:
    """The longest word of a program's name -> words of which one must be there too, None if none need be."""
    found: dict[str, frozenset[str] | None] = {}
    pairs = [(name, tool.gate) for name, tools in registry.tools().items() for tool in tools]
    for name, needs in [*pairs, *interpreters.GATE.items()]:
        key = max(_WORDS.findall(name), key=len)
        known = found.get(key, frozenset())
        found[key] = None if needs is None or known is None else known | needs
    for short, name in SHORT_NAMES.items():
        found[max(_WORDS.findall(short), key=len)] = found.get(max(_WORDS.findall(name), key=len), frozenset())
    return found


def may_matter(text: str) -> bool:
    """False if no rule can deny the text."""
    lower = text.lower()
    words = _words(lower)
    if _any_program(words):
        return True
    before = len(words)
    if "$" in lower:
        words.update(_PIECES.findall(lower))
    if "\\" in lower:
        words |= _words(_ESCAPED_BLANK.sub(" ", lower))
    if ("'" in lower or '"' in lower or "\\" in lower) and _SPLICED.search(lower):
        words |= _words(_SPLICES.sub("", lower))
    if len(words) > before and _any_program(words):
        return True
    if ">" in text and _RISKY_TARGET.search(lower):
        return True
    if "()" in text and FORK_BOMB.search(text):
        return True
    return ("$" in text or "\\" in text or "{" in text) and _DISGUISED.search(text) is not None


def _any_program(words: set[str]) -> bool:
    programs = _programs()
    for word in words & programs.keys():
        needs = programs[word]
        if needs is None or not needs.isdisjoint(words):
            return True
    return False


def _words(lower: str) -> set[str]:
    if len(lower) < _LONG:
        return set(_WORDS.findall(lower))
    return set(lower.encode("ascii", "replace").translate(_BLANKS).decode("ascii").split())


def code_may_matter(text: str) -> bool:
    """False if no rule can deny a piece of program code."""
    words = _words(text.lower())
    if not interpreters.HARM.isdisjoint(words) or "delete_namespaced" in text or "delete_persistent" in text:
        return True
    return may_matter(text)
