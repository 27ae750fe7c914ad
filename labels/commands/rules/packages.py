"""Package managers: what is published cannot be unpublished, and what is purged takes its configuration along.

Sources: the manuals of npm, twine, cargo, gem, apt, dpkg, dnf, pacman, brew, snap. Removing a package is not in here:
it can be installed again. Purging deletes configuration and, for servers, data.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import DRY, Finding, Rule, Tool, row

PUBLISH = Rule(
    "packages.publish",
    "publishes a version to everybody; a registry does not let it be taken back or used again.",
    0.85,
)
UNPUBLISH = Rule("packages.unpublish", "takes a published package away from everybody who depends on it.", 0.95)
PURGE = Rule("packages.purge", "removes packages with their configuration and data.", 0.8)
ESSENTIAL = Rule("packages.remove-essential", "removes a package that the system or a running service stands on.", 0.9)

_ESSENTIAL = re.compile(
    r"(?:libc6|glibc|systemd|sudo|openssh-server|linux-image[\w.-]*|kernel(?:-core)?|coreutils|bash|python3(?:-minimal)?|apt|dpkg|rpm|dnf|yum|"
    r"init|util-linux|grub[\w-]*|network-manager|NetworkManager|postgresql[\w.-]*|mysql-server[\w.-]*|mariadb-server[\w.-]*|mongodb[\w.-]*|"
    r"docker-ce|docker\.io|containerd(?:\.io)?|kubelet|\*)",
    re.IGNORECASE,
)


def _remove(_call: Call, line: Line) -> Finding | None:
    names = (
        line.words[1:]
        if line.words[:1] and line.words[0] in ("remove", "erase", "purge", "autoremove", "uninstall", "rm")
        else line.words
    )
    found = next((name for name in names if _ESSENTIAL.fullmatch(name)), None)
    return Finding(ESSENTIAL, found) if found else None


_SIMULATE = (*DRY, "-s", "--simulate", "--just-print", "--recon", "--no-act", "--assumeno", "-h")


def _pacman(call: Call, line: Line) -> Finding | None:
    if not line.has("-R", "--remove") or line.has("-p", "--print"):
        return None
    return Finding(PURGE) if line.has("-n", "--nosave", "-d", "--nodeps", "-c", "--cascade") else _remove(call, line)


TOOLS = (
    Tool(
        "npm",
        row(UNPUBLISH, "unpublish"),
        row(PUBLISH, "publish"),
        row(UNPUBLISH, "org|team rm|destroy"),
        valued="-w --workspace --registry --tag --access",
    ),
    Tool(
        "yarn pnpm bun lerna",
        row(PUBLISH, "publish"),
        row(PUBLISH, "npm publish"),
        row(UNPUBLISH, "unpublish"),
        row(UNPUBLISH, "tag|owner remove"),
        valued="--registry --tag --access --filter -F",
    ),
    Tool("changeset semantic-release release-it np auto", row(PUBLISH, "publish"), valued="--tag"),
    Tool("vsce ovsx", row(PUBLISH, "publish"), row(UNPUBLISH, "unpublish|delete-publisher")),
    Tool("setup.py", row(PUBLISH, ".. upload")),
    Tool("twine", row(PUBLISH, "upload"), valued="-r --repository --repository-url -u -p"),
    Tool(
        "poetry uv flit hatch pdm maturin rye",
        row(PUBLISH, "publish"),
        row(PUBLISH, "upload"),
        valued="-r --repository -u -p -C",
    ),
    Tool(
        "cargo",
        row(PUBLISH, "publish", unless="-n"),
        row(UNPUBLISH, "owner", any="-r --remove"),
    ),
    Tool("gem", row(PUBLISH, "push"), row(UNPUBLISH, "yank"), row(UNPUBLISH, "owner", any="-r --remove")),
    Tool(
        "mvn mvnw",
        row(PUBLISH, ".. deploy|deploy:deploy-file|release:perform|nexus-staging:release"),
        valued="-f --file -pl -P -s",
        long_dash=True,
    ),
    Tool(
        "gradle gradlew",
        row(PUBLISH, ".. publish|publishPlugins|publishToSonatype|closeAndReleaseRepository|uploadArchives"),
        long_dash=True,
    ),
    Tool("dotnet", row(PUBLISH, "nuget push"), row(UNPUBLISH, "nuget delete")),
    Tool("nuget", row(PUBLISH, "push"), row(UNPUBLISH, "delete")),
    Tool("pod", row(PUBLISH, "trunk push"), row(UNPUBLISH, "trunk delete|deprecate")),
    Tool(
        "conda anaconda",
        row(PUBLISH, "upload"),
        row(UNPUBLISH, ".. remove", when=lambda call, line: Finding(UNPUBLISH) if call.name == "anaconda" else None),
    ),
    Tool("dart flutter", row(PUBLISH, "pub publish")),
    Tool("mix", row(PUBLISH, "hex.publish"), row(UNPUBLISH, "hex.retire"), gate="hex"),
    Tool("luarocks", row(PUBLISH, "upload")),
    Tool("snapcraft", row(PUBLISH, "upload|release|push"), row(UNPUBLISH, "close")),
    Tool(
        "apt apt-get aptitude",
        row(PURGE, "purge"),
        row(PURGE, "remove|autoremove", any="--purge"),
        row(ESSENTIAL, "remove", when=_remove),
        dry=_SIMULATE,
        valued="-o -t -c",
    ),
    Tool(
        "dpkg", row(PURGE, any="-P --purge --force-remove-essential --force-remove-reinstreq"), gate="*", dry=_SIMULATE
    ),
    Tool(
        "yum dnf microdnf tdnf zypper",
        row(ESSENTIAL, "remove|erase|rm|autoremove", when=_remove),
        row(PURGE, "history rollback|undo"),
        dry=_SIMULATE,
        valued="-c --setopt --enablerepo",
    ),
    Tool(
        "rpm",
        row(ESSENTIAL, any="-e --erase", when=_remove),
        row(ESSENTIAL, any="--erase -e", all="--nodeps"),
        gate="*",
        dry=("--test", "--help"),
    ),
    Tool("pacman yay paru", check=_pacman, gate="*"),
    Tool("apk", row(PURGE, "del", any="--purge"), row(ESSENTIAL, "del", when=_remove), dry=(*DRY, "-s", "--simulate")),
    Tool(
        "brew",
        row(PURGE, "uninstall|remove|rm", any="--zap --force --ignore-dependencies"),
        row(PURGE, "untap", any="-f --force"),
    ),
    Tool("snap", row(PURGE, "remove", any="--purge"), row(PURGE, "forget")),
    Tool("flatpak", row(PURGE, "uninstall|remove", any="--delete-data")),
    Tool("emerge", row(PURGE, any="-C --unmerge"), gate="*", dry=(*DRY, "-p", "--pretend")),
    Tool("nix-collect-garbage", row(PURGE, any="-d --delete-old --delete-older-than"), gate="*"),
    Tool("nix", row(PURGE, "store delete"), row(PURGE, "profile wipe-history")),
    Tool("nix-env", row(PURGE, any="--delete-generations"), gate="delete"),
    Tool("uninstall-package uninstall-module", row(ESSENTIAL), gate="*", long_dash=True, fold=True),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
