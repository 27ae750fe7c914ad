"""Cloud providers and hosting platforms, and copying to object stores.

Sources: the command references of AWS, Google Cloud, Azure, DigitalOcean, Heroku, Fly, Vercel, Netlify, Supabase,
Firebase, Cloudflare and others; rclone, s3cmd, MinIO. Their verbs are regular: what is called delete, terminate,
destroy or purge loses the resource for everybody. Stopping, detaching and untagging can be taken back.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.paths import HARMLESS, kind
from labels.commands.rules.base import Finding, Rule, Tool, row

AWS_DELETE = Rule("cloud.aws-delete", "deletes a resource of the AWS account.", 0.95)
AWS_STORE = Rule("cloud.aws-s3-delete", "deletes objects or buckets in S3.", 0.95)
AWS_LOGS = Rule("logs.aws", "stops or deletes the account's logs.", 0.95, "log-tampering")
AWS_BACKUPS = Rule(
    "cloud.aws-backups", "switches off what the way back depends on: backups, versions or protection.", 0.85
)
GCP_DELETE = Rule("cloud.gcp-delete", "deletes a resource of the Google Cloud project.", 0.95)
GCP_STORE = Rule("cloud.gcp-storage-delete", "deletes objects or buckets in Cloud Storage.", 0.95)
GCP_LOGS = Rule("logs.gcp", "deletes logs or sinks of the Google Cloud project.", 0.95, "log-tampering")
AZURE_DELETE = Rule("cloud.azure-delete", "deletes a resource of the Azure subscription.", 0.95)
HOSTING = Rule(
    "cloud.hosting-delete", "deletes an application, site, database or machine at the hosting platform.", 0.95
)
BUCKET = Rule("cloud.object-store-delete", "deletes objects in a store that has no bin.", 0.95)
MIRROR = Rule("cloud.mirror-deletes", "mirrors to a store and deletes whatever the source does not have.", 0.85)
PUBLIC = Rule(
    "secrets.public-store", "opens a store to everybody; what was read once cannot be hidden again.", 0.9, "secrets"
)

_LOGS = frozenset({"cloudtrail", "logs", "config", "configservice", "guardduty", "securityhub"})
_AWS_HARMLESS = re.compile(
    r"delete-(?:message(?:-batch)?|tags?|bucket-tagging|item|object-tagging|metric-filter|launch-template-versions)"
    r"|deregister-(?:targets|task-definition|instances-from-load-balancer)|remove-tags.*|delete-account-alias|terminate-session"
)
_AWS_LOSES = re.compile(
    r"(?:batch-|admin-|bulk-)?(?:delete|terminate|purge|destroy|wipe)(?:-.*)?|deregister-image|release-address"
    r"|schedule-key-deletion|leave-organization|close-account|force-delete.*|reset-cache|decrease-stream-retention-period"
    r"|remove-(?:permission|role-from-.*|user-from-group|account-from-organization)|stop-(?:logging|configuration-recorder)"
)
#: A lifecycle rule by which everything is deleted within a day.
_EXPIRES = re.compile(r"Expiration.{0,40}?\"Days\"\s*:\s*[01]\b")
_ANYBODY = re.compile(r"\"Principal\":\s*\"\*\"|AllUsers")


def _aws(call: Call, line: Line) -> Finding | None:
    if len(line.words) < 2 or line.words[-1] == "help":
        return None
    service, operation = line.words[0], line.words[1]
    if service in ("s3", "s3api"):
        return _s3(call, line, operation)
    if _AWS_HARMLESS.fullmatch(operation):
        return None
    if _AWS_LOSES.fullmatch(operation):
        return Finding(AWS_LOGS if service in _LOGS else AWS_DELETE, f"{service} {operation}")
    if service == "route53" and operation == "change-resource-record-sets" and "DELETE" in " ".join(call.args):
        return Finding(AWS_DELETE, "DNS records")
    if service == "rds" and line.value("--backup-retention-period") == "0":
        return Finding(AWS_BACKUPS, "rds")
    if operation == "put-retention-policy" and line.value("--retention-in-days") in ("1", "3"):
        return Finding(AWS_LOGS, "retention")
    if service == "ec2" and "snapshot-attribute" in operation and "all" in line.flags.values():
        return Finding(PUBLIC, "snapshot")
    return None


def _s3(call: Call, line: Line, operation: str) -> Finding | None:
    text = " ".join(call.args)
    if any("public-read" in (value or "") for value in line.flags.values()):
        return Finding(PUBLIC)
    if operation in ("rb", "rm") or (operation == "sync" and line.has("--delete")):
        return Finding(AWS_STORE, " ".join(line.words[1:3]))
    if operation == "delete-public-access-block":
        return Finding(PUBLIC)
    if operation.startswith("delete-") and not _AWS_HARMLESS.fullmatch(operation):
        return Finding(AWS_STORE, operation)
    if operation.startswith("put-bucket-lifecycle") and _EXPIRES.search(text):
        return Finding(AWS_STORE, "everything expires")
    if operation == "put-bucket-versioning" and "Suspended" in text:
        return Finding(AWS_BACKUPS, "versioning")
    opens = operation in ("put-bucket-policy", "put-object-acl", "put-bucket-acl") and _ANYBODY.search(text)
    return Finding(PUBLIC) if opens else None


_GCP_LOCAL = ("config", "auth", "components", "topic", "info")
_GCP_VERBS = ("delete", "destroy", "purge", "remove-all", "delete-instances")


def _gcloud(call: Call, line: Line) -> Finding | None:
    words = [word for word in line.words if word not in ("alpha", "beta")]
    if not words or words[0] in _GCP_LOCAL:
        return None
    if any("allUsers" in arg or "allAuthenticatedUsers" in arg for arg in call.args):
        opens = "update" in words or any(word.startswith("add-iam") for word in words)
        return Finding(PUBLIC) if opens else None
    if words[0] == "storage" and len(words) > 1:
        mirrors = words[1] == "rsync" and line.has("--delete-unmatched-destination-objects")
        lost = words[1] == "rm" or mirrors or "delete" in words[1:3]
        return Finding(GCP_STORE, " ".join(words[1:3])) if lost else None
    if any(word in _GCP_VERBS for word in words[1:5]) or words[:3] == ["sql", "backups", "restore"]:
        return Finding(GCP_LOGS if words[0] == "logging" else GCP_DELETE, " ".join(words[:4]))
    return None


_AZURE_LOCAL = frozenset("account cache config configure extension cloud tag feedback bicep".split())
_AZURE_VERBS = frozenset("delete purge destroy batch-delete delete-batch remove-all".split())


def _az(_call: Call, line: Line) -> Finding | None:
    words = line.words
    if (
        not words
        or words[:2] == ["role", "assignment"]
        or (words[0] in _AZURE_LOCAL and words[:2] != ["account", "management-group"])
    ):
        return None
    if "deployment" in words and "create" in words and (line.value("--mode") or "").lower() == "complete":
        return Finding(AZURE_DELETE, "whatever the template does not name")
    if _AZURE_VERBS & set(words[1:]) or line.value("--delete-backup-data") == "true":
        return Finding(AZURE_DELETE, " ".join(words[:4]))
    opens = line.value("--public-access") in ("blob", "container") or line.value("--allow-blob-public-access") == "true"
    return Finding(PUBLIC) if opens else None


_RCLONE_DELETES = frozenset("delete purge deletefile cleanup rmdirs".split())


def _rclone(call: Call, line: Line) -> Finding | None:
    if line.has("-n") or len(line.words) < 2:
        return None
    target = line.words[-1]
    if line.words[0] in ("sync", "bisync"):
        return None if kind(target, call.cwd) in HARMLESS else Finding(MIRROR, target)
    return Finding(BUCKET, target) if line.words[0] in _RCLONE_DELETES else None


def _gsutil(call: Call, line: Line) -> Finding | None:
    opens = line.words[:2] in (["iam", "ch"], ["acl", "ch"]) and any(
        re.search("all(?:Authenticated)?Users", arg, re.I) for arg in call.args
    )
    return Finding(PUBLIC) if opens else None


def _complete(_call: Call, line: Line) -> Finding | None:
    """Azure's complete mode deletes what the template does not name."""
    return Finding(AZURE_DELETE) if (line.value("-mode") or "").lower() == "complete" else None


def _netlify(_call: Call, line: Line) -> Finding | None:
    return Finding(HOSTING) if line.words[:1] == ["api"] and "delete" in "".join(line.words[1:2]).lower() else None


_ALL_VERBS = "delete|destroy|rm|remove|purge|terminate"
#: Platforms whose command lines are alike: `PLATFORM GROUP VERB`.
_HOSTS = (
    "doctl linode-cli hcloud vultr vultr-cli scw exo upctl openstack oci ibmcloud aliyun tccli civo cloudctl "
    "aiven avn turso "
    "pscale neonctl neon atlas mongocli confluent ccloud supabase railway render koyeb northflank clever "
    "scalingo dokku nhost xata "
    "upstash convex planetscale"
)

TOOLS = (
    Tool(
        "aws awslocal",
        check=_aws,
        gate="delete terminate purge destroy wipe batch admin bulk rm rb sync deregister release schedule leave "
        "close force "
        "reset decrease remove stop put change modify public lifecycle suspended",
        valued="--profile --region --output --query --endpoint-url --backup-retention-period --retention-in-days "
        "--acl --bucket "
        "--key",
    ),
    Tool(
        "gcloud",
        check=_gcloud,
        gate="delete destroy purge rm remove restore allusers allauthenticatedusers",
        valued="--project --account --region --zone --format --filter --configuration --impersonate-service-account",
    ),
    Tool(
        "gsutil",
        row(GCP_STORE, "rm|rb"),
        row(MIRROR, "rsync", any="-d", unless="-n"),
        row(PUBLIC, "acl|defacl set public-*"),
        row(AWS_BACKUPS, "versioning set off"),
        check=_gsutil,
        gate="allusers allauthenticatedusers",
        valued="-o -h",
    ),
    Tool(
        "az",
        check=_az,
        gate="delete purge destroy batch remove public complete",
        valued="-g --resource-group -n --name --subscription --output -o --query --vault-name --mode --public-access "
        "--allow-blob-public-access --delete-backup-data",
    ),
    Tool("new-azresourcegroupdeployment", check=_complete, gate="complete", valued="-mode", long_dash=True, fold=True),
    Tool(
        "remove-azresourcegroup remove-azvm remove-azresource remove-s3bucket remove-ec2instance",
        row(HOSTING),
        gate="*",
    ),
    Tool("azcopy", row(BUCKET, "remove|rm"), row(MIRROR, "sync", any="--delete-destination")),
    Tool(
        "rclone",
        check=_rclone,
        gate="sync bisync delete purge deletefile cleanup rmdirs",
        valued="--config --filter --include --exclude",
    ),
    Tool(
        "mc",
        row(BUCKET, "rm|rb"),
        row(MIRROR, "mirror", any="--remove"),
        row(PUBLIC, "anonymous|policy set public|download"),
    ),
    Tool(
        "s3cmd",
        row(BUCKET, "del|rm|rb|expire"),
        row(MIRROR, "sync", any="--delete-removed"),
        row(PUBLIC, any="-P --acl-public"),
        gate="p acl",
        valued="-c --config",
    ),
    Tool("s5cmd", row(BUCKET, "rm|rb"), row(MIRROR, "sync", any="--delete"), valued="--endpoint-url --profile"),
    Tool(
        "b2",
        row(BUCKET, "rm|delete-*|delete_*|cancel-*"),
        row(BUCKET, "bucket|file delete"),
        row(MIRROR, "sync", any="--delete"),
    ),
    Tool("swift", row(BUCKET, "delete")),
    Tool(
        _HOSTS,
        row(None, "config|context|profile|login|logout|auth|plugin|autocompletion"),
        row(HOSTING, "db|database reset"),
        row(HOSTING, f".. {_ALL_VERBS}|delete-*|rebuild"),
        row(HOSTING, "down"),
        valued="--config -c --context --profile --project --region --output -o --format --org",
    ),
    Tool(
        "heroku",
        row(
            HOSTING,
            "apps:destroy|destroy|apps:delete|addons:destroy|pg:reset|pipelines:destroy|domains:clear|spaces:destroy|pg:copy|"
            "pg:backups:delete|pg:backups:restore|certs:remove|teams:destroy|repo:reset|ps:destroy",
        ),
        valued="-a --app -r --remote",
    ),
    Tool(
        "fly flyctl",
        row(None, "auth|config"),
        row(HOSTING, f".. {_ALL_VERBS}"),
        row(HOSTING, "secrets unset"),
        valued="-a --app -c --config -o --org",
    ),
    Tool(
        "vercel vc now",
        row(HOSTING, "remove|rm"),
        row(HOSTING, "project|projects|env|domains|dns|certs|alias|secrets|blob|teams rm|remove|del"),
        valued="-t --token -S --scope",
    ),
    Tool("netlify ntl", row(HOSTING, "sites:delete|env:unset|blobs:delete"), check=_netlify, gate="api"),
    Tool(
        "firebase",
        row(
            HOSTING,
            "firestore:delete|firestore:databases:delete|database:remove|functions:delete|hosting:disable|hosting:sites:delete|"
            "hosting:channel:delete|apps:delete|auth:delete|apphosting:backends:delete|dataconnect:services:delete",
        ),
        valued="-P --project --token",
    ),
    Tool(
        "wrangler",
        row(HOSTING, f".. {_ALL_VERBS}"),
        row(HOSTING, "kv:key|kv:namespace|kv:bulk delete"),
        valued="-c --config -e --env --name",
    ),
    Tool("surge", row(HOSTING, "teardown")),
    Tool("shopify", row(HOSTING, "theme delete"), row(HOSTING, "app function delete")),
    Tool("sfdx sf", row(HOSTING, ".. delete|force:org:delete|force:source:delete")),
    Tool("huggingface-cli hf", row(HOSTING, "repo|repos|repo-files delete"), row(HOSTING, "delete-repo")),
    Tool("kaggle", row(HOSTING, "datasets|kernels|models delete")),
    Tool("wandb", row(HOSTING, ".. delete|rm")),
    Tool("sentry-cli", row(HOSTING, "releases delete")),
    Tool("stripe", row(HOSTING, ".. delete")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
