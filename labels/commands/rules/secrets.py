"""Secrets that leave the machine, and secrets that are deleted.

Sources: the manuals of curl, wget, scp, rsync, nc and of the clouds' copy commands. A token in an Authorization header is
how a service is used; a key file or the whole environment in a body is not.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.paths import Kind, kind
from labels.commands.rules.base import Finding, Rule, Tool, row

SENT = Rule("secrets.sent", "sends keys, credentials or the environment to another machine.", 1.0, "secrets")
PUBLISHED = Rule("secrets.published", "puts keys or credentials where others can read them.", 0.95, "secrets")
KEY_DELETE = Rule("secrets.key-delete", "deletes private keys or stored secrets.", 0.9)
COMMITTED = Rule(
    "secrets.committed", "adds a file with credentials to a repository although it is ignored.", 0.75, "secrets"
)

_DUMPS = re.compile(
    r"(?:^|[|;&(]\s*)(?:sudo\s+)?(?:env|printenv|set|export -p|declare -p|history)\s*(?:$|[|;&)])|\$\((?:env|printenv)\)|"
    r"gpg2? .*--export-secret|security (?:dump-keychain|find-generic-password)|aws configure (?:export|get)|kubectl get secrets?\b|"
    r"gcloud auth print|pass show|op (?:read|item get)|vault (?:kv get|read)|secretsmanager get-secret|mimikatz|/proc/\w+/environ"
)
_VARIABLE = re.compile(
    r"\$\{?[A-Z_]*(?:SECRET|PASSWORD|PASSWD|PRIVATE_KEY|API_?KEY|ACCESS_KEY|TOKEN|CREDENTIAL)[A-Z_]*\}?"
)
_WORD = re.compile(r"[^\s|;&<>()'\"=@]+")
_LOCAL = re.compile(r"^(?:https?://)?(?:localhost|127\.|\[::1\]|0\.0\.0\.0)")


def holds_secret(text: str) -> str:
    """The first word of a command text that names a secret; `environment` for one that prints it; else empty."""
    if _DUMPS.search(text):
        return "the environment or a stored secret"
    words: list[str] = _WORD.findall(text[:2_000])
    return next((word for word in words if kind(word) is Kind.SECRET), "")


def _piped(call: Call) -> str:
    return holds_secret(call.reads.source) if call.reads and call.reads.source else ""


def _curl(call: Call, line: Line) -> Finding | None:
    if any(_LOCAL.match(word) for word in line.words):
        return None
    bodies = line.values(
        "-d",
        "--data",
        "--data-binary",
        "--data-raw",
        "--data-urlencode",
        "-F",
        "--form",
        "-T",
        "--upload-file",
        "--json",
        "--post-file",
        "--body-file",
        "--post-data",
        "--body-data",
    )
    for body in bodies:
        name = body.rpartition("@")[2] if "@" in body else body
        if (
            kind(name.partition(";")[0]) is Kind.SECRET
            or _DUMPS.search(body)
            or ("cat " in body and holds_secret(body))
        ):
            return Finding(SENT, body[:60])
        if _VARIABLE.search(body) and not re.search(r"grant_type|client_id|username|refresh_token|login|oauth", body):
            return Finding(SENT, body[:60])
    for word in line.words:
        if "://" in word and ("$(cat" in word or "$(env" in word or "`cat" in word) and holds_secret(word):
            return Finding(SENT, word[:60])
    reads_stdin = any(body in ("@-", "-", "@/dev/stdin", "file=@-", ".") or body.endswith("@-") for body in bodies)
    return Finding(SENT, found) if reads_stdin and (found := _piped(call)) else None


def _net(call: Call, line: Line) -> Finding | None:
    if line.words and _LOCAL.match(line.words[0]):
        return None
    inputs = [item.target for item in call.redirects if item.operator == "<"]
    secret = next((target for target in inputs if kind(target) is Kind.SECRET), "") or _piped(call)
    return Finding(SENT, secret) if secret else None


def _copy(call: Call, line: Line) -> Finding | None:
    """scp, rsync: a secret among the sources and a remote target."""
    words = line.words
    if len(words) < 2 or not re.match(r"(?:[\w.-]+@)?[\w.-]{2,}:(?!\\)|rsync://|s3://|gs://", words[-1]):
        return None
    secret = next((word for word in words[:-1] if kind(word, call.cwd) is Kind.SECRET), "")
    return Finding(SENT, secret) if secret and "authorized_keys" not in secret else None


def _cloud_copy(call: Call, line: Line) -> Finding | None:
    """`aws s3 cp .env s3://...`, `gsutil cp`, `rclone copy`, `gh gist create`."""
    words = line.words
    sends = {"cp", "mv", "sync", "copy", "copyto", "upload", "put", "create", "moveto"} & set(words[:3])
    if not sends:
        return None
    if call.name in ("gh",) and "gist" not in words[:1]:
        return None
    remote = call.name in ("gh", "transfer", "az", "mc") or any(
        "://" in word or re.match(r"[\w-]+:", word) for word in words[-1:]
    )
    secret = next((word for word in words[1:] if kind(word, call.cwd) is Kind.SECRET and "://" not in word), "") or (
        _piped(call) if "-" in words or "-" in call.args else ""
    )
    return Finding(PUBLISHED if call.name == "gh" else SENT, secret) if remote and secret else None


def _git_add(call: Call, line: Line) -> Finding | None:
    if line.words[:1] != ["add"] or not line.has("-f", "--force"):
        return None
    secret = next((word for word in line.words[1:] if kind(word, call.cwd) is Kind.SECRET), "")
    return Finding(COMMITTED, secret) if secret else None


_GATE = (
    "env printenv set export declare history gpg gpg2 security aws kubectl gcloud pass op vault secretsmanager mimikatz environ id_rsa id_dsa id_ecdsa id_ed25519 "
    "netrc pgpass git npmrc pypirc htpasswd credentials service secret secrets client gcp shadow master pem key p12 pfx kdbx jks keystore asc ppk "
    "tfvars ssh gnupg kube azure password docker pki admin kubeconfig token password api_key apikey private_key access_key passwd"
)
_CURL = (
    "-X --request --method -d --data --data-raw --data-binary --data-urlencode --json -H --header -u --user -o --output -A -e -F --form -T "
    "--upload-file -b -c --post-data --post-file --body-data --body-file --max-time -m --connect-timeout --retry -w --cacert --cert --key"
)

TOOLS = (
    Tool("curl wget http https xh httpie curlie", check=_curl, gate=_GATE, valued=_CURL, dry=("--help",)),
    Tool(
        "nc ncat netcat socat telnet openssl sendmail mail mailx mutt ftp tftp sftp",
        check=_net,
        gate=_GATE,
        dry=("--help",),
    ),
    Tool("scp rsync sftp", check=_copy, gate=_GATE, valued="-i -P -o -F -e --rsh --exclude --include -J"),
    Tool(
        "aws gsutil rclone mc s3cmd s5cmd azcopy gh transfer gcloud",
        check=_cloud_copy,
        gate=_GATE,
        valued="--profile --region --endpoint-url -d -f --config -R --desc",
    ),
    Tool("git", check=_git_add, gate="add", valued="-C -c --git-dir --work-tree"),
    Tool(
        "gpg gpg2",
        row(
            KEY_DELETE,
            any="--delete-secret-keys --delete-secret-key --delete-secret-and-public-key --delete-secret-and-public-keys",
        ),
        gate="delete",
        dry=("--help",),
    ),
    Tool("ssh-keygen", row(None)),
    Tool("ssh-add", row(None)),
    Tool("pass gopass", row(KEY_DELETE, "rm|remove|delete"), row(KEY_DELETE, "git"), gate="rm remove delete"),
    Tool("op", row(KEY_DELETE, "item|document|vault|user|group delete"), row(KEY_DELETE, "delete")),
    Tool("bw", row(KEY_DELETE, "delete", any="-p --permanent"), row(KEY_DELETE, "delete")),
    Tool("security", row(KEY_DELETE, "delete-*")),
    Tool("keytool", row(KEY_DELETE, any="-delete"), gate="delete", long_dash=True),
    Tool("certutil", row(KEY_DELETE, any="-delstore -D"), gate="delstore d", long_dash=True),
    Tool("secret-tool", row(KEY_DELETE, "clear")),
    Tool(
        "doppler infisical",
        row(KEY_DELETE, "secrets|projects|configs delete"),
        row(KEY_DELETE, "delete"),
        valued="-p --project -c --config",
    ),
    Tool("gcloud-secrets", row(None)),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
