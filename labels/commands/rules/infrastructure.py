"""Infrastructure as code: what tears down what was built, or the state that remembers it.

Sources: the references of Terraform and OpenTofu, Terragrunt, Pulumi, AWS CDK, SAM, Serverless, Ansible, Nomad, Consul,
Vault. A plan only shows; `taint` can be taken back with `untaint`.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import Finding, Rule, Tool, row

DESTROY = Rule("iac.destroy", "destroys everything that the configuration manages.", 1.0)
REPLACE = Rule("iac.replace", "destroys a resource and makes it anew; its data is not carried over.", 0.85)
STATE = Rule(
    "iac.state", "changes the shared state by hand: the tool forgets what exists or takes the wrong for true.", 0.85
)
WORKSPACE = Rule("iac.workspace-delete", "deletes a workspace or stack with the record of what it manages.", 0.9)
UNLOCK = Rule("iac.force-unlock", "breaks the lock of a state that somebody may be writing.", 0.8)
PURGE = Rule("iac.purge", "removes jobs, services or nodes for good.", 0.85)
STORE = Rule("iac.store-delete", "deletes secrets or configuration for all who read them.", 0.95)
SEALED = Rule("iac.vault", "disables, seals or re-keys the store of secrets.", 0.95)

_TERRAFORM = (
    row(DESTROY, "destroy"),
    row(DESTROY, "apply", any="-destroy --destroy"),
    row(DESTROY, "run-all|stack destroy"),
    row(DESTROY, "run destroy"),
    row(DESTROY, "run --all destroy"),
    row(REPLACE, "apply", any="-replace --replace"),
    row(STATE, "state rm|push|replace-provider"),
    row(WORKSPACE, "workspace delete", any="-force --force"),
    row(UNLOCK, "force-unlock"),
)


def _terraform(call: Call, line: Line) -> Finding | None:
    """Options from TF_CLI_ARGS, and plans to destroy that the same script applies."""
    if not line.words or line.words[0] not in ("apply", "destroy"):
        return None
    more = call.env("TF_CLI_ARGS") + " " + call.env(f"TF_CLI_ARGS_{line.words[0]}")
    if re.search(r"(?:^|\s)--?(?:destroy|replace)\b", more):
        return Finding(DESTROY, more.strip())
    for other in call.script:
        if (
            other is not call
            and other.name == call.name
            and "plan" in other.args
            and {"-destroy", "--destroy"} & set(other.args)
        ):
            plans = {arg.partition("=")[2] for arg in other.args if arg.startswith(("-out=", "--out="))}
            if plans & set(line.words[1:]):
                return Finding(DESTROY, line.words[1])
    return None


def _cloud_destroy(call: Call, line: Line) -> Finding | None:
    """`terraform plan -destroy -out x` only plans; `terragrunt run -- destroy` does it."""
    return Finding(DESTROY) if call.name == "terragrunt" and "destroy" in line.words else None


TOOLS = (
    Tool(
        "terraform tofu opentofu",
        *_TERRAFORM,
        check=_terraform,
        gate="apply",
        long_dash=True,
        valued="-target",
        dry=("-help", "--help", "-h", "-dry-run"),
    ),
    Tool(
        "terragrunt terramate",
        *_TERRAFORM,
        check=_cloud_destroy,
        gate="destroy",
        valued="--working-dir --terragrunt-working-dir --config",
        dry=("--help", "-help"),
    ),
    Tool(
        "pulumi",
        row(None, "destroy", any="--preview-only"),
        row(DESTROY, "destroy|down|dn"),
        row(WORKSPACE, "stack rm"),
        row(STATE, "state delete|unprotect|edit"),
        row(STATE, "stack import"),
        row(DESTROY, "stack delete"),
        valued="-s --stack -C --cwd",
    ),
    Tool(
        "cdk cdktf cdk8s sst",
        row(DESTROY, "destroy|remove"),
        row(PURGE, "gc"),
        valued="-a --app --profile -c --context --stage",
    ),
    Tool("sam", row(DESTROY, "delete"), valued="--stack-name --region --profile"),
    Tool("serverless sls", row(DESTROY, "remove"), valued="--stage -s --region -r --aws-profile --config -c"),
    Tool("copilot", row(DESTROY, "app|svc|job|env|pipeline|storage|secret delete")),
    Tool("amplify", row(DESTROY, "delete"), row(DESTROY, "env remove"), row(DESTROY, "sandbox delete")),
    Tool("eb", row(DESTROY, "terminate"), valued="-r --region --profile"),
    Tool("chalice zappa", row(DESTROY, "delete|undeploy")),
    Tool("azd", row(DESTROY, "down"), row(DESTROY, "env delete|remove")),
    Tool("crossplane", row(PURGE, ".. delete")),
    Tool(
        "nomad",
        row(PURGE, "job|stop stop", any="-purge --purge"),
        row(PURGE, "stop", any="-purge --purge"),
        row(PURGE, "namespace|volume|quota|var delete|purge|deregister"),
        row(PURGE, "system gc"),
        row(PURGE, "server force-leave"),
        row(STATE, "operator raft remove-peer"),
        long_dash=True,
    ),
    Tool(
        "consul",
        row(STORE, "kv delete"),
        row(SEALED, "acl token|policy|role delete"),
        row(PURGE, "force-leave"),
        row(PURGE, "config delete"),
        row(STATE, "snapshot restore"),
        row(STATE, "operator raft remove-peer"),
        long_dash=True,
    ),
    Tool(
        "vault bao",
        row(STORE, "delete"),
        row(None, "kv delete"),  # version 2 keeps it: `vault kv undelete`
        row(STORE, "kv destroy"),
        row(STORE, "kv metadata delete"),
        row(SEALED, "secrets|auth disable"),
        row(STORE, "policy|namespace delete"),
        row(SEALED, "operator seal|rekey|rotate|generate-root|step-down"),
        row(SEALED, "audit disable"),
        row(SEALED, "lease|token revoke", any="-prefix -force -self"),
        long_dash=True,
        valued="-address -namespace -mount",
    ),
    Tool(
        "knife",
        row(PURGE, "node|client|role|data|environment|cookbook|vault delete|bulk"),
        row(PURGE, "data bag delete"),
    ),
    Tool("puppet", row(PURGE, "node purge|clean|deactivate"), row(PURGE, "cert|ca clean|revoke")),
    Tool("puppetserver", row(PURGE, "ca clean|revoke")),
    Tool("salt-key", row(PURGE, any="-d -D --delete --delete-all"), gate="*"),
    Tool(
        "juju", row(DESTROY, "destroy-*|kill-controller|remove-application|remove-unit|remove-machine|remove-storage")
    ),
    Tool("cf", row(DESTROY, "delete|delete-*|ds|purge-*")),
    Tool("dvc", row(PURGE, "gc|destroy"), row(PURGE, "remove", any="--outs --purge")),
    Tool("mlflow", row(PURGE, "gc"), row(PURGE, "experiments|runs delete")),
    Tool("aws-nuke cloud-nuke", row(DESTROY, unless="--dry-run"), gate="*"),
    Tool("gcp-nuke azure-nuke", row(DESTROY), gate="*"),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
