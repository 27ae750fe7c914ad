"""What a path means to its owner: scratch that may go, or something that is missed.

Judged by its name alone, because nothing is looked up: the Filesystem Hierarchy Standard for system folders, the
tools' own manuals for their caches. Globs count as the names they match.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from posixpath import normpath


class Kind(Enum):
    SCRATCH = "temporary"
    CACHE = "can be made again"
    NULL = "a device that keeps nothing"
    ROOT = "the root, a system folder or a home folder"
    SYSTEM = "part of the system"
    EVERYTHING = "everything in a folder"
    VCS = "a repository's history"
    LOG = "a log that others rely on"
    HISTORY = "a record of what was typed"
    SECRET = "a key or credentials"  # noqa: S105
    DATA = "a database, backup or state file"
    DEVICE = "a disk"
    UNKNOWN = "not known before it runs"
    ORDINARY = "an ordinary file"


#: What nobody misses, for deleting.
HARMLESS = frozenset({Kind.SCRATCH, Kind.CACHE, Kind.NULL})

_TEMP_VARIABLES = r"\$(?:\{?env:)?\{?(?:TMPDIR|TMP|TEMP|RUNNER_TEMP|XDG_RUNTIME_DIR|BATS_TMPDIR|PYTEST_TMP\w*)\}?"
_SCRATCH = re.compile(
    rf"(?:/private)?(?:/tmp|/var/tmp|/var/folders|/dev/shm)/.|{_TEMP_VARIABLES}(?:/|$)|\$\((?:sudo )?mktemp\b[^)]*\)"
    r"|(?:\./)?(?:\.?tmp|\.?temp|scratch)(?:/|$)|%te?mp%|[a-z]:/(?:windows/)?temp/."
    r"|/usr/src/app/tmp/|(?:[^$]*/)?(?:tmp|temp)\.[A-Za-z0-9]{6,}$",
    re.IGNORECASE,
)
#: Folders that tools make for themselves and make again when they are missed.
_CACHE_NAMES = frozenset(
    "node_modules __pycache__ .pytest_cache .mypy_cache .ruff_cache .tox .nox .cache .parcel-cache .next .nuxt .turbo "
    ".svelte-kit .angular .eggs .hypothesis .ipynb_checkpoints .nyc_output .coverage htmlcov coverage .gradle "
    ".sass-cache "
    ".webpack .rollup.cache .vite .yarn-cache bower_components .venv venv virtualenv .virtualenv .direnv "
    ".terragrunt-cache "
    "dist target _build .stack-work .dart_tool deriveddata __pypackages__ .pnpm-store .npm .bundle .serverless .expo "
    ".docusaurus .output .astro .ccache .buildozer pip-wheel-metadata .pytype .pyre .eslintcache .stylelintcache "
    "cmakefiles cmakecache.txt .vagrant.d site-packages-cache jspm_packages .jekyll-cache .swc".split()
)
_CACHE = re.compile(
    r"(?:.*/)?(?:[\w.*-]+\.egg-info|cmake-build-[\w*-]+|bazel-[\w*-]+|\.coverage(?:\.[\w*]+)?)"
    r"|/var/cache/.+|/var/lib/apt/lists(?:/.*)?|(?:~|\$HOME|/root|/home/[^/]+|/Users/[^/]+)/(?:\.cache|Library/Caches|\.npm|"
    r"\.gradle/caches|\.cargo/registry|\.m2/repository|\.ivy2|\.nuget/packages|go/pkg/mod)/?.*"
    r"|(?:.*/)?build/(?:lib|temp|bdist)[\w.*-]*|(?:.*/)?tmp/(?:cache|pids|sockets)(?:/.*)?",
    re.IGNORECASE,
)
#: Names that are build output mostly, but sources or results in some repositories: harmless only beside evidence.
OUTPUT_NAMES = frozenset(
    {"build", "out", "output", "bin", "obj", "public", "generated", "_site", "site", "release", "debug"}
)
_JUNK = re.compile(
    r".*(?:\.(?:py[cod]|o|obj|class|so|dylib|a|tmp|temp|swp|swo|orig|rej|pid|lock|gcda|gcno|gcov|tsbuildinfo|elc|bbl|aux|toc"
    r"|synctex\.gz|retry|pyc\*)|~|/?\.DS_Store|/?Thumbs\.db|/?\.?nfs\w*|/?core\.\d+|/?nohup\.out)",
    re.IGNORECASE | re.DOTALL,
)
_SYSTEM = re.compile(
    r"/(?:bin|boot|dev|etc(?!/\w+/sites-enabled)|lib\w*|proc|sbin|sys|System|Library|Applications|nix|snap)/.*"
    r"|/usr/(?!src/|local/(?:src|lib/python)).*|/var/(?:lib|spool|mail|backups)/.*|[A-Za-z]:/(?:windows|program "
    r"files)[^/]*/.*",
    re.IGNORECASE,
)
_ROOT = re.compile(
    r"/|/\*|//.*|~[\w-]*/?\*?|\$\{?HOME\}?/?\*?|/(?:bin|boot|dev|etc|lib\w*|opt|proc|root|sbin|srv|sys|usr|var|home|Users|System|"
    r"Library|Applications|mnt|media|run|data)(?:/\*?)?|/(?:home|Users)/[^/]+/?\*?|/usr/(?:bin|lib|local|sbin|share)(?:/\*?)?"
    r"|/var/(?:lib|www|mail|spool)(?:/\*?)?|[A-Za-z]:[/\\]*\*?|[A-Za-z]:[/\\](?:windows|users|program "
    r"files)[^/\\]*[/\\]?\*?"
    r"|%(?:userprofile|systemroot|windir)%|\$env:(?:userprofile|systemroot|windir|systemdrive).*",
    re.IGNORECASE,
)
_EVERYTHING = re.compile(r"(?:.*/)?(?:\*|\.\*|\.\[!?[^\]]*\]\*|\*\.\*|\{?\*,\.\*\}?|\*\*(?:/\*)*)|\.{1,2}/?")
_LOG = re.compile(
    r"(?:.*/)?(?:var/log|logs?/audit|audit[_-]?logs?)(?:/.*)?|/(?:[^/]+/)*logs?/.+|.*journal/.*\.journal"
    r"|(?:.*/)?(?:[\w.-]*audit|[\w.-]*(?:access|auth|security)|secure|syslog|messages|kern|daemon|production|cloudtrail)[\w-]*"
    r"(?:\.log(?:\.[\w.*]+)?|\.evtx|\.jsonl)"
    r"|(?:.*/)?(?:syslog|wtmp|btmp|utmp|lastlog|faillog|audit\.log)(?:\.\d+)?",
    re.IGNORECASE,
)
_HISTORY = re.compile(
    r"(?:.*/)?(?:\.(?:\w+_history|histfile|lesshst|viminfo|wget-hsts)|consolehost_history\.txt|fish_history)",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"(?:.*/)?(?:id_(?:rsa|dsa|ecdsa|ed25519)(?!\.pub)|\.env(?!\.(?:example|sample|template|dist))(?:\.[\w-]+)?|\.netrc|\.pgpass|"
    r"\.git-credentials|\.npmrc|\.pypirc|\.htpasswd|credentials(?:\.(?:json|ya?ml|toml|csv|ini|db))?|"
    r"(?:service[_-]?account|client[_-]?secret|gcp[_-]?key|secrets?)[\w-]*\.(?:json|ya?ml|toml|txt|env)|authorized_keys|"
    r"kubeconfig|shadow|master\.key|[^/]+\.(?:pem|key|p12|pfx|kdbx|jks|keystore|asc|gpg|ppk|tfvars))"
    r"|(?:.*/)?\.(?:ssh|aws|gnupg|kube|azure|password-store)(?:/.*)?|(?:.*/)?\.config/gcloud(?:/.*)?|(?:.*/)?\.docker/config\.json"
    r"|(?:/var)?/run/secrets/.*|/etc/(?:shadow|ssl/private|kubernetes/(?:pki|admin\.conf))(?:/.*)?|/proc/[^/]+/environ",
    re.IGNORECASE,
)
_PUBLIC_KEY = re.compile(r".*(?:\.pub|/known_hosts|/ssh/config|\.ssh/config)", re.IGNORECASE)
_DATA = re.compile(
    r".*\.(?:db|db3|sqlite3?|s3db|mdb|accdb|dump|rdb|aof|ibd|frm|myd|myi|mdf|ldf|tfstate(?:\.\w+)?|rman|vmdk|qcow2?|vdi|vhdx?|ova"
    r"|parquet|fdb|realm|duckdb)(?:-(?:wal|shm|journal))?"
    r"|(?:.*/)?[^/]*(?:backup|dump|snapshot)[^/]*(?:\.(?:sql|bak|tar|gz|zip|tgz|xz|bz2|zst|7z|json|enc|csv))+"
    r"|(?:.*/)?(?:[^/]+\.sql\.(?:gz|xz|zst|bz2|zip))|(?:.*/)?(?:prod|production)[\w.-]*\.(?:sql|csv|json|bak)",
    re.IGNORECASE,
)
_TEST_DATA = re.compile(
    r"(?:.*/)?(?:\.coverage|test|tmp|temp|dummy|example|sample|mock|fixture)[\w.-]*|:memory:?.*", re.IGNORECASE
)
_DEVICE = re.compile(
    r"/dev/(?:[shv]d[a-z]\d*|xvd[a-z]\d*|nvme\d\w*|mmcblk\d\w*|r?disk\d\w*|md\d*|dm-\d+|mapper/.+|disk/.+|loop\d+|sr\d|"
    r"[\w-]+/(?:lv|vol|root|data)[\w-]*|mem|kmem|port)|\\\\\.\\physicaldrive\d+",
    re.IGNORECASE,
)
_NULL = re.compile(
    r"/dev/(?:null|stdout|stderr|stdin|tty\w*|fd/\d+|zero|full|pts/\d+|u?random)|nul|\$null|&\d", re.IGNORECASE
)
_GIT = re.compile(r"(?:.*/)?\.(?:git|hg|svn|bzr|jj)(?:/.*)?|(?:.*/)?[\w.-]+\.git")
_LONGEST = 400


@lru_cache(maxsize=4_096)
def kind(path: str, cwd: str | None = None) -> Kind:
    """What a path is. cwd: the folder that a relative one starts from, where it is known."""
    if len(path) > _LONGEST:  # what it begins and ends with says what it is
        path = path[: _LONGEST // 2] + path[-_LONGEST // 2 :]
    if "\\" in path and not path.startswith("\\\\"):
        path = path.replace("\\", "/")
    if _NULL.fullmatch(path):
        return Kind.NULL
    full = resolved(path, cwd)
    if _SCRATCH.match(full) or _SCRATCH.match(path if ".." not in path else "") or is_scratch_variable(path):
        return Kind.SCRATCH
    if _is_cache(full):
        return Kind.CACHE
    return _lost(path, full)


def _lost(path: str, full: str) -> Kind:
    """The kind of what is missed, the worst name first."""
    for pattern, found in _ORDER:
        if pattern.fullmatch(full):
            return found
    if _SECRET.fullmatch(full) and not _PUBLIC_KEY.fullmatch(full):
        return Kind.SECRET
    if _DATA.fullmatch(full) and not _TEST_DATA.fullmatch(full):
        return Kind.DATA
    if _SYSTEM.fullmatch(full):
        return Kind.SYSTEM
    if _EVERYTHING.fullmatch(path):
        return Kind.EVERYTHING
    if path.startswith(("$", "`")) or "$(" in path or "`" in path:
        return Kind.UNKNOWN
    return Kind.ORDINARY


_ORDER = (
    (_DEVICE, Kind.DEVICE),
    (_ROOT, Kind.ROOT),
    (_GIT, Kind.VCS),
    (_HISTORY, Kind.HISTORY),
    (_LOG, Kind.LOG),
)


def resolved(path: str, cwd: str | None) -> str:
    """Relative to cwd where that is known; `..` and doubled slashes taken out."""
    anchored = path.startswith(("/", "~", "$", "%")) or path[1:3] in (":/", ":\\")
    if cwd and not anchored:
        path = f"{cwd.rstrip('/')}/{path}"
    if "//" in path or "/." in path or path.startswith("./"):
        path = normpath(path)
    return path.rstrip("/") or path[:1]


def _is_cache(full: str) -> bool:
    name = full.rstrip("/*").rsplit("/", 1)[-1].lower()
    if name in _CACHE_NAMES or _CACHE.fullmatch(full):
        return not _ROOT.fullmatch(full)
    return any(f"/{part}/" in f"/{full.lower()}" for part in ("node_modules", "__pycache__", ".cache"))


def is_scratch_variable(path: str) -> bool:
    """`$TMPDIR`, `$(mktemp -d)`: a folder that was made to be thrown away."""
    return path.startswith("$") and _SCRATCH.match(path) is not None


def is_junk(path: str) -> bool:
    """A file that tools leave behind: compiled, locked, swapped, backed up by an editor."""
    return _JUNK.fullmatch(path[-_LONGEST:]) is not None


def is_log(path: str) -> bool:
    """Any file that is called a log, also one of the agent's own."""
    return kind(path) is Kind.LOG or re.fullmatch(r".*\.log(?:\.[\w.]+)?", path[-_LONGEST:], re.IGNORECASE) is not None


def output_name(path: str) -> str:
    """The path's last name if it is build output mostly, else an empty text."""
    name = path.rstrip("/*").rsplit("/", 1)[-1].lower()
    return name if name in OUTPUT_NAMES else ""
