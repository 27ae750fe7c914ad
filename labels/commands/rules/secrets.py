"""Secrets that leave the machine, and secrets that are deleted.

Sources: the manuals of curl, wget, scp, rsync, netcat, bash (`/dev/tcp`) and of the clouds' copy commands. A token in
an Authorization header is how a service is used; a key file or the whole environment in a body is not.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.paths import Kind, kind
from labels.commands.rules.base import Finding, Rule, Tool, row

SENT = Rule("secrets.sent", "sends keys, credentials or the environment to another machine.", 1.0, "secrets")
PUBLISHED = Rule("secrets.published", "puts keys or credentials where others can read them.", 0.95, "secrets")
COMMITTED = Rule(
    "secrets.committed", "adds a file with credentials to a repository although it is ignored.", 0.75, "secrets"
)
REMOTE_SHELL = Rule("secrets.remote-shell", "hands a shell on this machine to another one.", 1.0, "secrets")
KEY_DELETE = Rule("secrets.key-delete", "deletes private keys or stored secrets.", 0.9)

#: Commands that print secrets, or everything in the environment.
_DUMPS = re.compile(
    r"(?:^|[|;&(]\s*)(?:sudo\s+)?(?:env|printenv|set|export -p|declare -p|history)\s*(?:$|[|;&)])|\$\((?:env|"
    r"printenv)\)"
    r"|gpg2? .*--export-secret|security (?:dump-keychain|find-generic-password)|aws configure (?:export|get)"
    r"|kubectl get secrets?\b|gcloud auth print|pass show|op (?:read|item get)|vault (?:kv get|read)"
    r"|secretsmanager get-secret|mimikatz|/proc/\w+/environ"
)
_VARIABLE = re.compile(
    r"\$\{?[A-Z_]*(?:SECRET|PASSWORD|PASSWD|PRIVATE_KEY|API_?KEY|ACCESS_KEY|TOKEN|CREDENTIAL)[A-Z_]*\}?"
)
#: Bodies by which one logs in, where a password belongs.
_LOGIN = re.compile(r"grant_type|client_id|user_?name|refresh_token|login|oauth|\buser=|email", re.IGNORECASE)
_WORD = re.compile(r"[^\s|;&<>()'\"=@]+")
_LOCAL = re.compile(r"^(?:https?://)?(?:localhost|127\.|\[::1\]|0\.0\.0\.0)")
_REMOTE = re.compile(r"(?:[\w.-]+@)?[\w.-]{2,}:(?!\\)|rsync://|s3://|gs://")
_NETWORK_FILE = re.compile(r"/dev/(?:tcp|udp)/")


def holds_secret(text: str) -> str:
    """The first word of a command text that names a secret, or a phrase for one that prints secrets; else empty."""
    if _DUMPS.search(text):
        return "the environment or a stored secret"
    words: list[str] = _WORD.findall(text[:2_000])
    return next((word for word in words if _private(word)), "")


def _private(path: str, cwd: str | None = None) -> bool:
    """Whether a file is nobody else's business."""
    return kind(path, cwd) in (Kind.SECRET, Kind.HISTORY) or path in ("/etc/passwd", "/etc/sudoers")


def _piped(call: Call) -> str:
    return holds_secret(call.reads.source) if call.reads and call.reads.source else ""


def _substituted(word: str) -> str:
    """A secret that a word takes from a command: `$(cat .env)`."""
    return holds_secret(word) if "$(" in word or "`" in word else ""


def over_network(call: Call) -> Finding | None:
    """What a call writes into bash's `/dev/tcp/HOST/PORT`."""
    if not any(_NETWORK_FILE.match(item.target) for item in call.redirects):
        return None
    if call.name in ("bash", "sh", "zsh", "exec", "python", "python3"):
        return Finding(REMOTE_SHELL, call.name)
    secret = holds_secret(" ".join([call.name, *call.args])) or _piped(call)
    return Finding(SENT, secret) if secret else None


_BODIES = (
    "-d --data --data-binary --data-raw --data-urlencode -F --form -T --upload-file --json --post-file "
    "--body-file --post-data "
    "--body-data"
).split()


def _curl(call: Call, line: Line) -> Finding | None:
    if any(_LOCAL.match(word) for word in line.words):
        return None
    bodies = line.values(*_BODIES)
    for body in bodies:
        name = body.rpartition("@")[2] if "@" in body else body
        if _private(name.partition(";")[0]) or _DUMPS.search(body) or _substituted(body):
            return Finding(SENT, body[:60])
        if _VARIABLE.search(body) and not _LOGIN.search(body):
            return Finding(SENT, body[:60])
    for word in line.words:
        if secret := _substituted(word):
            return Finding(SENT, secret)
    reads_stdin = any(body in ("-", ".", "@/dev/stdin") or body.endswith("@-") for body in bodies)
    return Finding(SENT, found) if reads_stdin and (found := _piped(call)) else None


def _query(_call: Call, line: Line) -> Finding | None:
    """A name that is looked up travels to the name's owner."""
    return next((Finding(SENT, secret) for word in line.words if (secret := _substituted(word))), None)


def _net(call: Call, line: Line) -> Finding | None:
    if call.name in ("nc", "ncat", "netcat") and line.has("-e", "-c", "--exec", "--sh-exec"):
        return Finding(REMOTE_SHELL, " ".join(call.args[:4]))
    if (
        call.name == "socat"
        and any(re.match(r"(?i)exec:|system:", word) for word in line.words)
        and len(line.words) > 1
    ):
        return Finding(REMOTE_SHELL, " ".join(call.args[:2]))
    if line.words and _LOCAL.match(line.words[0]):
        return None
    inputs = [item.target for item in call.redirects if item.operator == "<"]
    secret = next((target for target in inputs if _private(target)), "") or _piped(call)
    return Finding(SENT, secret) if secret else None


def _ssh(call: Call, _line: Line) -> Finding | None:
    secret = _piped(call)
    return Finding(SENT, secret) if secret else None


def _copy(call: Call, line: Line) -> Finding | None:
    """scp, rsync: a secret among the sources and a remote target."""
    words = line.words
    if len(words) < 2 or not _REMOTE.match(words[-1]):
        return None
    secret = next((word for word in words[:-1] if kind(word, call.cwd) is Kind.SECRET), "")
    return Finding(SENT, secret) if secret and "authorized_keys" not in secret else None


_SENDS = frozenset("cp mv sync copy copyto upload put create moveto".split())


def _cloud_copy(call: Call, line: Line) -> Finding | None:
    """`aws s3 cp .env s3://...`, `gsutil cp`, `rclone copy`, `gh gist create`."""
    words = line.words
    if not _SENDS & set(words[:3]) or (call.name == "gh" and words[0] != "gist"):
        return None
    far = call.name in ("gh", "az", "mc") or any("://" in word or re.match(r"[\w-]+:", word) for word in words[-1:])
    secret = next((word for word in words[1:] if "://" not in word and kind(word, call.cwd) is Kind.SECRET), "")
    if not secret and ("-" in words or "-" in call.args):
        secret = _piped(call)
    return Finding(PUBLISHED if call.name == "gh" else SENT, secret) if far and secret else None


def _git_add(call: Call, line: Line) -> Finding | None:
    if line.words[:1] != ["add"] or not line.has("-f", "--force"):
        return None
    secret = next((word for word in line.words[1:] if kind(word, call.cwd) is Kind.SECRET), "")
    return Finding(COMMITTED, secret) if secret else None


#: Words of commands that print secrets and of paths that hold them, `paths` has the patterns.
_GATE = (
    "env printenv set export declare history gpg gpg2 security aws kubectl gcloud pass op vault secretsmanager "
    "mimikatz environ "
    "id_rsa id_dsa id_ecdsa id_ed25519 netrc pgpass git npmrc pypirc htpasswd credentials service secret secrets "
    "client gcp shadow "
    "master pem key p12 pfx kdbx jks keystore asc ppk tfvars ssh gnupg kube azure password docker pki admin "
    "kubeconfig token passwd "
    "api_key apikey private_key access_key service_account client_secret gcp_key credential private access api "
    "sudoers bash_history zsh_history"
)
_CURL = (
    "-X --request --method -d --data --data-raw --data-binary --data-urlencode --json -H --header -u --user -o "
    "--output -A -e -F "
    "--form -T --upload-file -b -c --post-data --post-file --body-data --body-file --max-time -m "
    "--connect-timeout --retry -w "
    "--cacert --cert --key"
)

TOOLS = (
    Tool("curl wget http https xh httpie curlie", check=_curl, gate=_GATE, valued=_CURL, dry=("--help",)),
    Tool("dig nslookup host ping drill", check=_query, gate=_GATE, dry=()),
    Tool(
        "nc ncat netcat socat telnet openssl sendmail mail mailx mutt ftp tftp",
        check=_net,
        gate=_GATE + " e c exec sh bash system",
        dry=("--help",),
    ),
    Tool("ssh", check=_ssh, gate=_GATE, dry=()),
    Tool("scp rsync sftp", check=_copy, gate=_GATE, valued="-i -P -o -F -e --rsh --exclude --include -J"),
    Tool(
        "aws gsutil rclone mc s3cmd s5cmd azcopy gh gcloud",
        check=_cloud_copy,
        gate=_GATE,
        valued="--profile --region --endpoint-url -d -f --config -R --desc",
    ),
    Tool("git", check=_git_add, gate="add", valued="-C -c --git-dir --work-tree"),
    Tool(
        "gpg gpg2",
        row(KEY_DELETE, any="--delete-secret-keys --delete-secret-key"),
        row(KEY_DELETE, any="--delete-secret-and-public-key --delete-secret-and-public-keys"),
        dry=("--help",),
    ),
    Tool("pass gopass", row(KEY_DELETE, "rm|remove|delete")),
    Tool("op", row(KEY_DELETE, "item|document|vault|user|group delete"), row(KEY_DELETE, "delete")),
    Tool("bw", row(KEY_DELETE, "delete")),
    Tool("security", row(KEY_DELETE, "delete-*")),
    Tool("keytool", row(KEY_DELETE, any="-delete"), long_dash=True),
    Tool("certutil", row(KEY_DELETE, any="-delstore -D"), gate="delstore d", long_dash=True),
    Tool("secret-tool", row(KEY_DELETE, "clear")),
    Tool(
        "doppler infisical",
        row(KEY_DELETE, "secrets|projects|configs delete"),
        row(KEY_DELETE, "delete"),
        valued="-p --project -c --config",
    ),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
