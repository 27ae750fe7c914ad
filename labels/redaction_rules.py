"""What counts as a secret or as personal data in the text of a run, and how it is found.

Shapes of keys are those that their issuers document. Each rule names words without which it cannot match, so that a
text is only searched for what may be in it, and every repetition in a pattern is bounded: a step made to be slow costs
time in proportion to its length. Not found are names of people, postal addresses, and secrets that look like ordinary
words and stand next to nothing that calls them a secret.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Group: TypeAlias = Literal["SECRET", "PERSONAL"]


@dataclass(frozen=True, slots=True)
class Found:
    """A passage to be hidden. start, end: code points. everywhere: hide the value wherever else it stands too."""

    start: int
    end: int
    group: Group
    kind: str
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A shape. marks: lower-case words of which one must be in the text. The group `v` of the pattern is what is hidden
    (the whole match where it has none). check: a last look at the match."""

    kind: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    group: Group = "SECRET"
    check: Callable[[re.Match[str]], bool] | None = None
    everywhere: bool = False


# -- what a value looks like ----------------------------------------------------------------------------------------

#: Values that stand where a secret would and are none.
_NO_VALUE = frozenset(
    "none null nil true false undefined required optional string str int bool bytes text any object number type self"
    " incorrect invalid wrong missing expired empty hidden redacted changed reset updated unknown default here not"
    " is was the a an and or to for from in on of with your my auth authentication basic bearer yes no ok error".split()
)
#: A variable, a form's placeholder, stars: `$TOKEN`, `${x}`, `<your key>`, `{{ x }}`, `%s`, `%USER%`, `(none)`.
_FORM = re.compile(r"\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+)\Z|\$[{(]|<[^>]*>?\Z|\{.*\}|%[sdr(]|%\w+%\Z|\[.*\]|\(|\*+\Z")
_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z_]*(?:(?:\.|->|::)[A-Za-z_]+){1,8}\Z")


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    if not text:
        return 0.0
    counts = Counter(text[:512]).values()
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts)


def stands_for_something(value: str) -> bool:
    """Whether a value is a blank, a variable or a form's placeholder, not a secret itself."""
    return len(set(value)) < 3 or _form(value) or bool(_REFERENCE.match(value[:200]))


def _form(value: str) -> bool:
    return bool(_FORM.match(value)) or value.casefold().strip(".:!") in _NO_VALUE


def looks_random(value: str) -> bool:
    """Whether a value is made by a machine rather than by a writer: long, mixed, without a pattern."""
    if len(value) < 12 or stands_for_something(value):
        return False
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if digits and letters and entropy(value) >= 2.8:
        return True
    mixed = not value.islower() and not value.isupper() and not value.istitle()
    return len(value) >= 20 and letters > 0 and mixed and entropy(value) >= 3.5


# -- values that are called a secret ----------------------------------------------------------------------------------

_PASSWORD_NAMES = ("password", "passwd", "passphrase", "passwort", "pwd", "secret")
_KEY_NAMES = (
    "token|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|account[_-]?key|private[_-]?key|signing[_-]?key|"
    "encryption[_-]?key|credentials?|connection[_-]?string|sig"
)
#: Names that speak of a secret without holding it: token_count, password_file ...
_ABOUT = re.compile(
    r"(?:name|file|path|dir|count|length|len|size|field|type|id|ids|url|uri|endpoint|expir\w*|ttl|limit|policy|ref|arn"
    r"|index|usage|used|budget|version|manager|provider|ring|hint|reset|required|min|max)\Z",
    re.IGNORECASE,
)
_NAMED = re.compile("|".join([*_PASSWORD_NAMES, _KEY_NAMES]))
#: What follows the name: the rest of it, a separator, and a value. In quotes that are escaped themselves (JSON inside a
#: string) the value ends at the next quote; in plain ones an escaped quote belongs to it.
_ASSIGNED = re.compile(
    r"(?P<tail>[\w-]{0,30})\\{0,4}[\"'`\]]{0,2}(?P<sep>[ \t]{0,3}(?::=|=>|=|:)[ \t]{0,3})"
    r"(?:(?P<q>[\"'`])(?P<plain>(?:\\[^\r\n]|(?!(?P=q))[^\\\r\n]){1,512})"
    r"|\\{1,4}(?P<e>[\"'`])(?P<quoted>(?:\\(?!(?P=e))[^\r\n]|(?!(?P=e))[^\\\r\n]){1,512})"
    r"|(?P<bare>[^\s\"'`]{1,512}))"
)
_OPTION = re.compile(
    r"--(?:[\w-]{1,20}-)?(?:password|passwd|passphrase|secret|token|api-key|access-key)[ \t=]{1,3}"
    r"(?:[\"'](?P<quoted>[^\"'\r\n]{1,512})|(?P<bare>[^\s\"'-][^\s\"']{2,512}))",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:password|passphrase|api key|access key|token|pin)[ \t]{1,3}(?:is|was|will be)[ \t]{1,3}:?[ \t]{0,3}"
    r"(?:[\"'`](?P<quoted>[^\"'`\r\n]{3,200})[\"'`]|(?P<bare>[^\s\"'`]{4,200}))",
    re.IGNORECASE,
)
#: A value ends where the next `name=` begins: in a query string, a connection string.
_NEXT_NAME = re.compile(r"[;&,][\w .%-]{1,40}=")


def assigned(text: str, lowered: str) -> Iterator[Found]:
    """Values of variables, fields, headers and options whose name says that they are secret."""
    yield from _each(_settings(text, lowered))
    if "--" in text:
        yield from _each(_value(match, "password") for match in _OPTION.finditer(text))
    if any(verb in lowered for verb in (" is", " was", " will be")):
        yield from _each(_value(match, "password") for match in _TOLD.finditer(text) if _telling(match))


def _settings(text: str, lowered: str) -> Iterator[Found | None]:
    """Names are looked for in the lowered text: ten times as fast as an expression that ignores case."""
    position = 0
    while name := _NAMED.search(lowered, position):
        match = _ASSIGNED.match(text, name.end())
        position = match.end() if match else name.end()
        if match:
            yield _assigned(text, name, match)


def _each(found: Iterable[Found | None]) -> Iterator[Found]:
    return (item for item in found if item is not None)


def _telling(match: re.Match[str]) -> bool:
    """Whether a sentence gives the password away: it quotes it, or the word has a digit in it."""
    return match["quoted"] is not None or any(char.isdigit() for char in match["bare"])


def _value(match: re.Match[str], kind: str) -> Found | None:
    """The match's value, as far as it goes, unless it only stands for something."""
    name = match.lastgroup if match.lastgroup in ("plain", "quoted") else "bare"
    start, value = match.start(name), match[name]
    if name == "bare":
        if cut := _NEXT_NAME.search(value):
            value = value[: cut.start()]
        value = value.rstrip(",;)]}&.")
    if stands_for_something(value):
        return None
    strong = len(value) >= 6 and (not value.isalpha() or len(value) >= 16)
    return Found(start, start + len(value), "SECRET", kind, everywhere=strong)


def _assigned(text: str, name: re.Match[str], match: re.Match[str]) -> Found | None:
    tail, word = match["tail"], name.group()
    if (tail and tail[0].islower()) or _ABOUT.search(tail):
        return None
    found = _value(match, word if word == "secret" else "password" if word in _PASSWORD_NAMES else "token")
    if found is None:
        return None
    value = text[found.start : found.end]
    bare = match["bare"] is not None
    if found.kind == "token" or (found.kind == "secret" and bare):
        return found if looks_random(value) else None
    return found if not bare or _meant(text, name, match, value) else None


def _meant(text: str, name: re.Match[str], match: re.Match[str], value: str) -> bool:
    """Whether an unquoted value is a password rather than code or prose: `password = user_input` is code, `Password:
    see the wiki` is prose, `password: hunter` alone on its line is a setting."""
    if "(" in value or value.casefold().startswith((name.group(), "get_")):
        return False
    if any(char.isdigit() or not (char.isalnum() or char in "_.-") for char in value):
        return True
    separator = match["sep"]
    if "=" in separator:
        return separator == "="
    line = text.rfind("\n", max(0, name.start() - 200), name.start()) + 1
    after = text[match.end() : match.end() + 1]
    return not text[line : name.start()].strip(" \t-\"'") and after in ("", "\n", "\r")


# -- values that show by themselves what they are ---------------------------------------------------------------------


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _luhn(match: re.Match[str]) -> bool:
    digits = [int(char) for char in _digits(match.group())]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(match: re.Match[str]) -> bool:
    text = match.group().replace(" ", "")
    if not 15 <= len(text) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _phone(match: re.Match[str]) -> bool:
    return 8 <= len(_digits(match.group())) <= 15


def _random_value(match: re.Match[str]) -> bool:
    return looks_random(match["v"])


def _some_value(match: re.Match[str]) -> bool:
    return not _form(match["v"])


def _rule(kind: str, marks: str, pattern: str, **more: Any) -> Rule:
    return Rule(kind, tuple(marks.split()), re.compile(pattern, re.ASCII), **more)


def _near(kind: str, marks: str, pattern: str, check: Callable[[re.Match[str]], bool]) -> Rule:
    """A value that only what stands before it gives away."""
    return Rule(kind, tuple(marks.split()), re.compile(pattern, re.ASCII | re.IGNORECASE), "SECRET", check, True)


def _personal(kind: str, marks: str, pattern: str, check: Callable[[re.Match[str]], bool] | None = None) -> Rule:
    return Rule(kind, tuple(marks.split()), re.compile(pattern, re.ASCII), "PERSONAL", check)


_QUOTE = r"[\"']?"
#: In order of preference: where two find the same passage, the first one names it.
RULES: tuple[Rule, ...] = (
    _rule("aws-key", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    _rule(
        "aws-secret",
        "akia asia",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}[\s,:;|\"']{1,5}(?P<v>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
        everywhere=True,
    ),
    _rule("google-key", "aiza ya29. gocspx-", r"\b(?:AIza[\w-]{35}|ya29\.[\w-]{20,600}|GOCSPX-[\w-]{20,60})"),
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{30,255}"),
    _rule("github-token", "github_pat_", r"\bgithub_pat_\w{20,255}"),
    _rule("gitlab-token", "glpat- glrt- gldt- glptt- glcbt-", r"\bgl(?:pat|rt|dt|ptt|cbt)-[\w-]{16,255}"),
    _rule("slack-token", "xox xapp-", r"\b(?:xox[abeoprs]|xapp)-[\w-]{10,255}"),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<v>[\w/-]{10,200})"),
    _rule("anthropic-key", "sk-ant-", r"\bsk-ant-[\w-]{16,300}"),
    _rule("api-key", "sk-", r"\bsk-(?=[\w-]{0,60}\d)[\w-]{20,300}"),
    _rule("stripe-key", "_live_ _test_", r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}"),
    _rule("stripe-key", "whsec_", r"\bwhsec_[A-Za-z0-9+/=]{20,100}"),
    _rule("huggingface-token", "hf_", r"\bhf_[A-Za-z0-9]{30,60}\b"),
    _rule("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _rule("pypi-token", "pypi-", r"\bpypi-[\w-]{50,400}"),
    _rule("sendgrid-key", "sg.", r"\bSG\.[\w-]{16,32}\.[\w-]{30,64}"),
    _rule("twilio-key", "sk", r"\bSK[0-9a-f]{32}\b"),
    _rule("telegram-token", ":aa", r"\b\d{8,10}:AA[\w-]{33}"),
    _rule("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    _rule("databricks-token", "dapi", r"\bdapi[a-f0-9]{32}\b"),
    _rule("vault-token", "hvs. hvb. hvr.", r"\bhv[sbr]\.[\w-]{20,300}"),
    _rule("azure-key", "accountkey=", r"AccountKey=(?P<v>[A-Za-z0-9+/]{40,100}={0,2})", everywhere=True),
    _rule("age-key", "age-secret-key-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    _rule("jwt", "eyj", r"\beyJ[\w-]{8,4096}\.[\w-]{8,8192}(?:\.[\w-]{0,4096})?"),
    _near("password", "://", r"://[^\s/?#\"'<>:@]{0,128}:(?!\d{1,5}/)(?P<v>[^\s\"'<>]{1,256})@(?=[\w\[])", _some_value),
    _near(
        "token",
        "authorization",
        rf"authorization\\{{0,4}}{_QUOTE}[ \t]{{0,3}}[:=][ \t]{{0,3}}\\{{0,4}}{_QUOTE}"
        r"(?:(?:bearer|basic|token|digest|apikey|negotiate)[ \t]{1,3})?(?P<v>[^\s\"'\\,]{6,4096})",
        _some_value,
    ),
    _near("token", "bearer", r"\bbearer[ \t]{1,3}(?P<v>[\w.~+/=-]{12,4096})", _random_value),
    _near("cookie", "cookie:", r"\b(?:set-)?cookie:[ \t]{0,3}(?P<v>[^\r\n\"']{4,4096})", _some_value),
    _near(
        "password",
        "mysql mariadb",
        rf"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]{{0,200}}?[ \t]-p{_QUOTE}(?P<v>[^\s\"']{{3,200}})",
        _some_value,
    ),
    _near("password", "sshpass", rf"\bsshpass[ \t]{{1,3}}-p[ \t]{{0,3}}{_QUOTE}(?P<v>[^\s\"']{{1,200}})", _some_value),
    _near(
        "password",
        "redis-cli",
        rf"\bredis-cli\b[^\r\n]{{0,120}}?[ \t]-a[ \t]{{1,3}}{_QUOTE}(?P<v>[^\s\"']{{3,200}})",
        _some_value,
    ),
    _near(
        "password",
        "curl wget",
        rf"\b(?:curl|wget)\b[^\r\n]{{0,300}}?[ \t](?:-u|--user)[ \t=]{{0,3}}{_QUOTE}[^\s:\"']{{1,64}}:"
        r"(?P<v>[^\s\"']{1,200})",
        _some_value,
    ),
    _personal("card", "3 4 5 6", r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\w-])", _luhn),
    _personal("iban", "0 1 2 3 4 5 6 7 8 9", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", _iban),
    _personal("ssn", "-", r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
    _personal("phone", "+", r"(?<![\w+.])\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}(?![\w])", _phone),
    _personal("phone", "-", r"(?<![\w-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\w-])"),
)


def shaped(text: str, lowered: str) -> Iterator[Found]:
    """What the rules find."""
    for rule in RULES:
        if not any(mark in lowered for mark in rule.marks):
            continue
        for match in rule.pattern.finditer(text):
            if rule.check is None or rule.check(match):
                start, end = match.span("v") if "v" in rule.pattern.groupindex else match.span()
                yield Found(start, end, rule.group, rule.kind, rule.everywhere)


_KEY_BEGINS = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,.-]{0,16384}")
_LONGEST_KEY = 32_768


def private_keys(text: str, lowered: str) -> Iterator[Found]:
    """Private keys between their marks; one that is cut off, as far as it looks like one."""
    position = 0
    while "private key" in lowered and (begin := _KEY_BEGINS.search(text, position)):
        close = _KEY_ENDS.search(text, begin.end(), begin.end() + _LONGEST_KEY)
        body = _KEY_BODY.match(text, begin.end())
        position = close.end() if close else body.end() if body else begin.end()
        yield Found(begin.start(), position, "SECRET", "private-key")


_BEFORE_AT = re.compile(r"[\w.+%-]{1,64}\Z")
_AFTER_AT = re.compile(r"(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])")
#: Accounts of programs, not of people.
_NOT_PEOPLE = frozenset(("git", "noreply", "no-reply"))


def emails(text: str, lowered: str) -> Iterator[Found]:  # noqa: ARG001
    """E-mail addresses, found from their @ outwards."""
    at = text.find("@")
    while at >= 0:
        after = _AFTER_AT.match(text, at + 1)
        before = _BEFORE_AT.search(text[max(0, at - 64) : at]) if after else None
        if after and before and before.group().casefold() not in _NOT_PEOPLE:
            yield Found(at - len(before.group().lstrip(".")), after.end(), "PERSONAL", "email")
        at = text.find("@", at + 1)
