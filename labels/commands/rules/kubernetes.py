"""Kubernetes, its packages and its clusters.

Sources: the references of kubectl, Helm, OpenShift, Argo CD, Flux, kubeadm, eksctl, kind, minikube. A pod is made again
by its controller, so deleting one by name is how it is restarted; a label or annotation holds no data.
"""

from __future__ import annotations

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import Finding, Rule, Tool, row

NAMESPACE = Rule(
    "kubernetes.delete-namespace", "deletes a namespace with everything that runs and is stored in it.", 1.0
)
STORAGE = Rule(
    "kubernetes.delete-storage", "deletes a volume or a claim; with most storage classes the data goes with it.", 1.0
)
DEFINITION = Rule(
    "kubernetes.delete-crd", "deletes a custom resource definition and with it every resource of that kind.", 1.0
)
RESOURCE = Rule("kubernetes.delete", "deletes resources of the cluster: what runs on them stops.", 0.9)
ALL = Rule("kubernetes.delete-all", "deletes all resources of a kind.", 0.95)
FORCED = Rule(
    "kubernetes.delete-forced", "deletes without waiting for a clean end, which can corrupt what the pod writes.", 0.85
)
DRAIN = Rule(
    "kubernetes.drain-forced", "empties a node by force: pods without a controller and local data are lost.", 0.85
)
REPLACE = Rule("kubernetes.replace-forced", "deletes the resource and makes it anew; it is down meanwhile.", 0.8)
PRUNE = Rule("kubernetes.apply-prune", "deletes every resource that the given files do not name.", 0.85)
FINALIZERS = Rule("kubernetes.finalizers", "removes finalizers, so that a resource goes without its clean-up.", 0.8)
EVENTS = Rule(
    "logs.kubernetes-events", "deletes the cluster's events, its record of what happened.", 0.8, "log-tampering"
)
RELEASE = Rule("kubernetes.helm-uninstall", "removes a release and every resource in it.", 0.95)
APPLICATION = Rule("kubernetes.application-delete", "deletes an application with the resources it manages.", 0.9)
CLUSTER = Rule("kubernetes.delete-cluster", "deletes a whole cluster, or resets a node out of one.", 1.0)
ETCD = Rule("kubernetes.etcd", "deletes keys from etcd or takes it apart: it is the cluster's only state.", 1.0)

_VALUED = (
    "-n --namespace --context --cluster --kubeconfig -l --selector -o --output -f --filename -k --kustomize "
    "--field-selector -c --container --token --as --as-group --user -s --server --timeout -p --patch --type "
    "--request-timeout "
    "--grace-period --replicas --cascade -v --field-manager --patch-file --template --certificate-authority "
    "--prune-allowlist"
)
_KINDS: dict[str, Rule] = {
    **dict.fromkeys("namespace namespaces ns project projects".split(), NAMESPACE),
    **dict.fromkeys(
        "persistentvolumeclaim persistentvolumeclaims pvc persistentvolume persistentvolumes pv storageclass "
        "storageclasses sc "
        "volumesnapshot volumesnapshots volumesnapshotcontent volumesnapshotcontents".split(),
        STORAGE,
    ),
    **dict.fromkeys("customresourcedefinition customresourcedefinitions crd crds".split(), DEFINITION),
    **dict.fromkeys("event events ev".split(), EVENTS),
}
_REMADE = frozenset(
    {"pod", "pods", "po", "replicaset", "replicasets", "rs", "endpoints", "ep", "endpointslice", "lease", "leases"}
)


def _delete(_call: Call, line: Line) -> Finding | None:
    words = line.words[1:]
    everything = line.has("--all", "-A", "--all-namespaces")
    if line.has("-f", "--filename", "-k", "--kustomize"):
        return Finding(RESOURCE, line.value("-f", "--filename", "-k", "--kustomize") or "")
    if not words:
        return Finding(RESOURCE) if line.has("--raw") else None
    kinds = {word.partition("/")[0].partition(".")[0].lower() for word in words[0].split(",")}
    detail = " ".join(words)[:80]
    for kind, rule in _KINDS.items():
        if kind in kinds:
            return Finding(rule, detail)
    if line.has("--force") or line.value("--grace-period") == "0":
        return Finding(FORCED, detail)
    if everything or kinds == {"all"}:
        return Finding(ALL, detail)
    if kinds <= _REMADE:
        selected = line.has("-l", "--selector", "--field-selector") or any("$(" in word for word in words[1:])
        return Finding(ALL, detail) if selected and "$(" in detail else None
    return Finding(RESOURCE, detail)


def _kubectl(call: Call, line: Line) -> Finding | None:
    sub = line.words[0] if line.words else ""
    if sub == "delete":
        return _delete(call, line)
    if sub == "patch" or (sub == "edit" and line.has("--patch")):
        patch = (line.value("-p", "--patch") or "").replace(" ", "")
        if '"finalizers":null' in patch or '"finalizers":[]' in patch or ("/finalizers" in patch and "remove" in patch):
            return Finding(FINALIZERS)
    return None


TOOLS = (
    Tool(
        "kubectl oc k3s microk8s kubectl.exe kubecolor",
        row(DRAIN, "drain", any="--force --delete-emptydir-data --delete-local-data --disable-eviction"),
        row(DRAIN, "adm drain", any="--force --delete-emptydir-data --delete-local-data --disable-eviction"),
        row(REPLACE, "replace", any="--force"),
        row(PRUNE, "apply", any="--prune"),
        row(RESOURCE, "adm prune", any="--confirm"),
        row(CLUSTER, "delete node|nodes|no"),
        row(RESOURCE, "kubectl delete"),
        row(RESOURCE, "argo|cnpg|minio delete|destroy|terminate"),
        valued=_VALUED,
        check=_kubectl,
        gate="delete patch drain replace apply adm",
    ),
    Tool(
        "helm",
        row(None, "uninstall|delete|del|un", any="--keep-history"),
        row(RELEASE, "uninstall|delete|del|un"),
        valued="-n --namespace --kube-context --kubeconfig --timeout",
    ),
    Tool("helmfile", row(RELEASE, "destroy|delete"), valued="-f --file -e --environment -l --selector"),
    Tool("helm3", row(RELEASE, "uninstall|delete|del|un"), valued="-n --namespace --kube-context --kubeconfig"),
    Tool(
        "argocd",
        row(APPLICATION, "app|appset|proj|cluster|repo delete|rm"),
        row(PRUNE, "app sync", any="--prune"),
        valued="--server",
    ),
    Tool(
        "argo",
        row(APPLICATION, "delete"),
        row(APPLICATION, "cron|template|cluster-template delete"),
        valued="-n --namespace",
    ),
    Tool("flux", row(APPLICATION, "delete|uninstall"), valued="-n --namespace --context"),
    Tool("istioctl", row(APPLICATION, "uninstall"), row(APPLICATION, "x uninstall")),
    Tool("kn", row(APPLICATION, "service|source|trigger|broker delete"), valued="-n --namespace"),
    Tool("kubeadm", row(CLUSTER, "reset")),
    Tool(
        "k3s-uninstall k3s-uninstall.sh k3s-agent-uninstall.sh rke2-uninstall.sh k3s-killall.sh", row(CLUSTER), gate="*"
    ),
    Tool("rke", row(CLUSTER, "remove")),
    Tool("kops", row(CLUSTER, "delete", any="--yes -y"), valued="--name --state"),
    Tool(
        "eksctl",
        row(CLUSTER, "delete cluster|nodegroup|fargateprofile"),
        row(RESOURCE, "delete"),
        valued="-f --name --region -p",
    ),
    Tool(
        "kind k3d minikube ctlptl microk8s.reset kubeone",
        row(CLUSTER, "delete"),
        row(CLUSTER, "cluster delete|rm|del"),
        row(CLUSTER, "reset"),
        valued="-n --name -p --profile",
    ),
    Tool("microk8s snap.microk8s", row(CLUSTER, "reset"), row(RESOURCE, "kubectl delete")),
    Tool("talosctl", row(CLUSTER, "reset|wipe"), row(CLUSTER, "cluster destroy"), valued="-n --nodes -e"),
    Tool(
        "etcdctl",
        row(ETCD, "del|rm|rmdir"),
        row(ETCD, "member remove"),
        row(ETCD, "user|role delete"),
        row(ETCD, "compact|compaction"),
        valued="--endpoints --cacert --cert --key --user",
    ),
    Tool("clusterctl", row(CLUSTER, "delete")),
    Tool("kustomize", row(None)),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
