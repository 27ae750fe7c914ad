"""Containers and their hosts: Docker, Podman, Compose, registries, Swarm.

Sources: Docker's and Podman's references. Images and build caches can be pulled or built again; volumes and the
writable layer of a container cannot. A stopped service can be started.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import Finding, Rule, Tool, row

VOLUME = Rule("containers.delete-volume", "deletes volumes: they hold the data that containers keep.", 1.0)
COMPOSE = Rule("containers.compose-down-volumes", "takes the project down and deletes its volumes.", 1.0)
PRUNE = Rule(
    "containers.prune", "deletes every stopped container with what it wrote, and with options images and volumes.", 0.85
)
CONTAINER = Rule("containers.remove-forced", "kills running containers and deletes what they wrote.", 0.85)
IMAGES = Rule("containers.remove-images", "deletes all images, also those that were only built here.", 0.7)
SWARM = Rule("containers.swarm", "removes services, stacks, secrets or nodes of a swarm.", 0.9)
RESET = Rule("containers.reset", "deletes all containers, images and volumes of the machine.", 1.0)
REGISTRY = Rule("containers.registry-delete", "deletes images from a registry that others pull from.", 0.9)


def _remove(_call: Call, line: Line) -> Finding | None:
    """`docker rm`: one stopped container is ordinary; all of them, running ones or their volumes are not."""
    many = any("$(" in word or word.startswith("`") for word in line.words)
    if line.has("-v", "--volumes", "-f", "--force", "-a", "--all") or many:
        return Finding(CONTAINER, " ".join(line.words[-2:]))
    return None


def _images(_call: Call, line: Line) -> Finding | None:
    many = any("$(" in word for word in line.words) or line.has("-a", "--all")
    return Finding(IMAGES) if many else None


def _compose_rm(call: Call, _line: Line) -> Finding | None:
    """`-f` names a file before the subcommand and forces after it, so the letters are looked at by themselves."""
    return Finding(COMPOSE) if any(re.fullmatch(r"-[a-z]*v[a-z]*|--volumes", arg) for arg in call.args) else None


_VALUED = "--context -H --host --config -l --log-level --filter --format -t --time"
_DOCKER = (
    row(VOLUME, "volume rm|remove|prune"),
    row(PRUNE, "system|container|pod prune"),
    row(IMAGES, "image prune", any="-a --all"),
    row(CONTAINER, "rm", when=_remove),
    row(CONTAINER, "container rm|remove", when=_remove),
    row(CONTAINER, "pod rm", any="-f --force -a --all"),
    row(IMAGES, "rmi", when=_images),
    row(IMAGES, "image rm|remove", when=_images),
    row(SWARM, "service|stack|secret|config|node rm|remove"),
    row(SWARM, "stack down"),
    row(SWARM, "swarm leave", any="-f --force"),
    row(SWARM, "swarm ca", any="--rotate"),
    row(RESET, "system reset"),
    row(RESET, "machine rm|reset"),
    row(REGISTRY, "manifest rm|delete"),
    row(SWARM, "plugin rm|remove", any="-f --force"),
    row(SWARM, "trust revoke"),
)

TOOLS = (
    Tool(
        "docker podman nerdctl",
        *_DOCKER,
        valued=_VALUED + " --file -p --project-name --project-directory --env-file --profile",
    ),
    Tool(
        "docker-compose",
        row(COMPOSE, "down", any="-v --volumes"),
        row(COMPOSE, "rm", when=_compose_rm),
        row(VOLUME, "volumes rm|prune"),
        valued="-f --file -p --project-name --project-directory --env-file --profile --ansi --progress -t "
        "--timeout --rmi",
    ),
    Tool("docker-machine", row(RESET, "rm")),
    Tool("crictl", row(CONTAINER, "rm|rmp|rmi", any="-a --all -f --force --prune")),
    Tool("ctr", row(CONTAINER, ".. rm|delete|remove"), valued="-n --namespace -a"),
    Tool("buildah", row(CONTAINER, "rm|rmi", any="-a --all"), row(IMAGES, "prune", any="-a --all -f --force")),
    Tool("skopeo crane regctl oras", row(REGISTRY, "delete"), row(REGISTRY, "tag|image|manifest|blob|repo delete|rm")),
    Tool("reg", row(REGISTRY, "rm")),
    Tool("balena", row(CONTAINER, "app|device|fleet rm|purge")),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
