"""The running machine: power, services, processes, accounts, jobs, network, firmware.

Sources: the manual pages of shutdown, systemctl, kill, userdel, crontab, iptables, nft, ufw, ip, efibootmgr; Windows'
and macOS' counterparts. A service that is stopped or masked can be started again.
"""

from __future__ import annotations

import re

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.rules.base import Finding, Rule, Tool, row

POWER = Rule("system.power", "shuts the machine down or restarts it, with everything that runs on it.", 0.85)
KILL_ALL = Rule("system.kill-all", "kills every process, or the one that all others depend on.", 0.9)
KILL_SERVER = Rule("system.kill-server", "kills a database server without letting it write what it holds.", 0.75)
ACCOUNT = Rule("system.account", "deletes an account, with its files if asked to, or locks everybody out.", 0.9)
JOBS = Rule("system.crontab", "deletes or replaces all scheduled jobs.", 0.9)
FIREWALL = Rule("system.firewall", "deletes all firewall rules; what is not saved cannot be set again.", 0.85)
NETWORK = Rule("system.network", "takes the network down: a remote machine cannot be reached any more.", 0.8)
FORK_BOMB = Rule("system.fork-bomb", "starts processes without end until the machine hangs.", 1.0)
BOOT = Rule("system.boot", "changes what the machine boots from.", 0.9)
REGISTRY = Rule("system.registry", "deletes keys of the registry or of the settings database.", 0.8)
UNINSTALL = Rule("system.unit-remove", "removes a service, task or feature of the system for good.", 0.75)

_SERVERS = re.compile(
    r"(?:postgres(?:ql)?|postmaster|mysqld?|mariadbd?|mongod|redis-server|oracle|etcd|cassandra|elasticsearch|clickhouse-server|kafka|influxd)"
)


def _kill(call: Call, _line: Line) -> Finding | None:
    targets = list(call.args)
    signal = ""
    if targets[:1] and targets[0] in ("-s", "-n"):
        signal, targets = "".join(targets[1:2]), targets[2:]
    elif len(targets) > 1 and targets[0].startswith("-"):
        signal, targets = targets[0][1:], targets[1:]
    if signal != "0" and {"1", "-1"} & set(targets):
        return Finding(KILL_ALL, " ".join(call.args[:4]))
    return _kill_servers(call)


def _kill_servers(call: Call) -> Finding | None:
    """`kill -9 $(pidof mysqld)`."""
    hard = {"-9", "-KILL", "-SIGKILL"} & set(call.args)
    named = [
        word for arg in call.args if "$(" in arg for word in re.findall(r"[\w-]+", arg) if _SERVERS.fullmatch(word)
    ]
    return Finding(KILL_SERVER, named[0]) if hard and named else None


def _pkill(call: Call, line: Line) -> Finding | None:
    if line.has("-l", "--list-name", "-0"):
        return None
    if line.value("-u", "--euid", "-U") == "root" and not line.words:
        return Finding(KILL_ALL)
    hard = any(arg in ("-9", "-KILL", "-SIGKILL", "--signal=9", "--signal=KILL") for arg in call.args)
    if "." in line.words or ".*" in line.words:
        return Finding(KILL_ALL)
    name = next((word for word in line.words if _SERVERS.fullmatch(word)), "")
    return Finding(KILL_SERVER, name) if hard and name else None


def _taskkill(call: Call, _line: Line) -> Finding | None:
    text = " ".join(call.args).lower()
    return Finding(KILL_ALL) if re.search(r"/im\s+(?:\*|svchost|csrss|wininit|lsass|winlogon)", text) else None


def _crontab(call: Call, line: Line) -> Finding | None:
    if line.has("-r", "-R"):
        return Finding(JOBS)
    if line.has("-l", "-e"):
        return None
    if line.words[-1:] == ["/dev/null"]:
        return Finding(JOBS)
    if line.words or "-" in call.args or call.reads:
        kept = call.reads is not None and "crontab -l" in call.reads.source
        return (
            None
            if kept or any("crontab -l" in " ".join([other.name, *other.args]) for other in call.script)
            else Finding(JOBS)
        )
    return None


def _systemctl(_call: Call, line: Line) -> Finding | None:
    verb = line.words[0] if line.words else ""
    if verb in ("poweroff", "reboot", "halt", "kexec", "soft-reboot", "suspend", "hibernate", "hybrid-sleep"):
        return Finding(POWER, verb)
    if verb in ("isolate",) and any(
        word.startswith(("rescue", "emergency", "poweroff", "reboot")) for word in line.words
    ):
        return Finding(POWER, "isolate")
    if verb in ("stop", "disable", "mask") and any(
        re.fullmatch(r"(?:ssh|sshd|network|networking|NetworkManager|systemd-networkd)(?:\.service)?", word)
        for word in line.words
    ):
        return Finding(NETWORK, " ".join(line.words[:3]))
    return None


def _iptables(call: Call, line: Line) -> Finding | None:
    policy = "-P" in call.args and "DROP" in call.args
    return Finding(FIREWALL) if line.has("-F", "--flush", "-X", "--delete-chain") or policy else None


def _ip(_call: Call, line: Line) -> Finding | None:
    words = [word.lower() for word in line.words]
    if "flush" in words or (
        words[:1] and words[0] in ("link", "l") and ("down" in words or "delete" in words or "del" in words)
    ):
        name = next((word for word in words[2:] if word not in ("dev", "set", "down")), "")
        return (
            None if re.match(r"(?:veth|docker|br-|dummy|tap|tun|test)", name) else Finding(NETWORK, " ".join(words[:4]))
        )
    return (
        Finding(NETWORK, "default route")
        if words[:3] in (["route", "del", "default"], ["route", "delete", "default"], ["r", "del", "default"])
        else None
    )


def _passwd(call: Call, line: Line) -> Finding | None:
    return (
        Finding(ACCOUNT, " ".join(call.args[:3]))
        if line.has("-d", "--delete", "-l", "--lock") and "root" in line.words
        else None
    )


def _power(call: Call, line: Line) -> Finding | None:
    return (
        None
        if line.has("-c", "--cancel", "-k", "-w", "--wtmp-only") or "/a" in [arg.lower() for arg in call.args]
        else Finding(POWER, call.name)
    )


def _init(call: Call, line: Line) -> Finding | None:
    return (
        Finding(POWER, " ".join(call.args)) if line.words[:1] and line.words[0] in ("0", "6", "1", "s", "S") else None
    )


def _bcdedit(call: Call, _line: Line) -> Finding | None:
    return (
        Finding(BOOT) if {arg.lower() for arg in call.args} & {"/delete", "/set", "/deletevalue", "/import"} else None
    )


TOOLS = (
    Tool("shutdown reboot halt poweroff", check=_power, gate="*", dry=("--help",)),
    Tool("stop-computer restart-computer", row(POWER), gate="*", long_dash=True, fold=True),
    Tool("init telinit", check=_init, gate="0 6 1 s"),
    Tool(
        "systemctl service",
        check=_systemctl,
        gate="poweroff reboot halt kexec soft suspend hibernate hybrid isolate ssh sshd network networking "
        "networkmanager systemd",
        valued="-H --host -M --machine -t --type",
        dry=("--help",),
    ),
    Tool("kill", check=_kill, gate="1 9 kill sigkill", dry=()),
    Tool("killall5", row(KILL_ALL), gate="*"),
    Tool("pkill killall skill", check=_pkill, gate="*", valued="-u -U -s --signal -t -g --euid"),
    Tool("taskkill", check=_taskkill, gate="im"),
    Tool("userdel deluser", row(ACCOUNT), gate="*"),
    Tool("groupdel delgroup", row(ACCOUNT), gate="*"),
    Tool(
        "remove-localuser remove-aduser remove-adgroup remove-adcomputer remove-adobject disable-adaccount",
        row(ACCOUNT),
        gate="*",
        long_dash=True,
        fold=True,
    ),
    Tool(
        "net",
        row(ACCOUNT, "user|localgroup|group", any="/delete"),
        check=lambda call, line: (
            Finding(ACCOUNT)
            if "/delete" in [arg.lower() for arg in call.args]
            and line.words[:1]
            and line.words[0].lower() in ("user", "localgroup", "group", "share")
            else None
        ),
        gate="delete",
    ),
    Tool(
        "dscl",
        row(ACCOUNT, ".. -delete"),
        check=lambda call, line: Finding(ACCOUNT) if "-delete" in call.args else None,
        gate="delete",
    ),
    Tool("sysadminctl", row(ACCOUNT, any="-deleteUser"), gate="deleteuser", long_dash=True),
    Tool("passwd", check=_passwd, gate="root"),
    Tool("realm", row(ACCOUNT, "leave")),
    Tool("crontab", check=_crontab, gate="*", valued="-u"),
    Tool("atrm", row(JOBS), gate="*"),
    Tool(
        "schtasks",
        check=lambda call, line: Finding(UNINSTALL) if "/delete" in [arg.lower() for arg in call.args] else None,
        gate="delete",
    ),
    Tool("unregister-scheduledtask remove-service", row(UNINSTALL), gate="*", long_dash=True, fold=True),
    Tool("sc", row(UNINSTALL, "delete")),
    Tool(
        "iptables ip6tables iptables-legacy iptables-nft ebtables arptables",
        check=_iptables,
        gate="*",
        valued="-t -A -I -D -p -s -d -j",
    ),
    Tool("nft", row(FIREWALL, "flush ruleset|table|chain"), row(FIREWALL, "delete table|chain")),
    Tool("ufw", row(FIREWALL, "reset"), row(FIREWALL, "--force reset")),
    Tool("firewall-cmd", row(FIREWALL, any="--reset-to-defaults --panic-on"), gate="reset panic"),
    Tool(
        "netsh",
        row(FIREWALL, "advfirewall reset"),
        row(
            NETWORK,
            "interface set interface",
            when=lambda call, line: Finding(NETWORK) if "disable" in " ".join(line.words).lower() else None,
        ),
        row(NETWORK, "int ip reset"),
    ),
    Tool("ip", check=_ip, gate="flush down delete del"),
    Tool("ifconfig", row(NETWORK, "* down"), gate="down"),
    Tool("ifdown", row(NETWORK), gate="*"),
    Tool(
        "nmcli",
        row(NETWORK, "networking|n off"),
        row(NETWORK, "connection|con|c delete|del|down"),
        row(NETWORK, "radio all off"),
    ),
    Tool("route", row(NETWORK, "del|delete default"), row(NETWORK, "flush"), row(NETWORK, "-f"), dry=()),
    Tool("tailscale", row(NETWORK, "down|logout")),
    Tool("efibootmgr", row(BOOT, any="-B --delete-bootnum -O --delete-bootorder"), gate="*"),
    Tool(
        "update-grub grub-install grub2-install bootctl",
        row(BOOT, "remove"),
        row(BOOT, "", when=lambda call, line: Finding(BOOT) if call.name.endswith("install") else None),
        gate="*",
    ),
    Tool("bcdedit", check=_bcdedit, gate="delete set deletevalue import"),
    Tool("flashrom", row(BOOT, any="-w --write -E --erase"), gate="*"),
    Tool("fwupdmgr", row(BOOT, "downgrade|reinstall")),
    Tool("nvram", row(BOOT, any="-c -d"), gate="*"),
    Tool(
        "reg",
        check=lambda call, line: (
            Finding(REGISTRY, " ".join(call.args[1:2])) if call.args and call.args[0].lower() == "delete" else None
        ),
        gate="delete",
    ),
    Tool("remove-itemproperty", row(REGISTRY), gate="*", long_dash=True, fold=True),
    Tool("dconf", row(REGISTRY, "reset", any="-f")),
    Tool("defaults", row(REGISTRY, "delete")),
    Tool("csrutil", row(BOOT, "disable|clear")),
    Tool(
        "adb",
        row(
            BOOT,
            "reboot",
            when=lambda call, line: Finding(BOOT) if line.words[1:] and line.words[1] == "wipe" else None,
        ),
        row(UNINSTALL, "uninstall"),
    ),
    Tool(
        "fastboot",
        row(BOOT, "erase|format|flashall|oem|-w|flashing"),
        row(BOOT, "", any="-w"),
        gate="erase format flashall oem w flashing",
    ),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
