"""Disks, volumes, file systems, virtual machines and backups.

Sources: the manual pages of mkfs, wipefs, fdisk, parted, LVM, ZFS, Btrfs, cryptsetup, mdadm, hdparm, nvme-cli,
diskutil, diskpart, vssadmin; of libvirt, VirtualBox, Proxmox, LXD; of restic, Borg, snapper, Time Machine.
"""

from __future__ import annotations

from labels.commands.call import Call
from labels.commands.options import Line
from labels.commands.paths import HARMLESS, kind
from labels.commands.rules.base import Finding, Rule, Tool, row

FORMAT = Rule("disks.format", "makes a new file system: everything on the disk is lost.", 1.0)
PARTITION = Rule("disks.partition", "changes or wipes the partition table of a disk.", 0.95)
WIPE = Rule("disks.wipe", "wipes a disk, its signatures or its encryption keys.", 1.0)
VOLUME = Rule("disks.delete-volume", "deletes a volume, pool or array with what it holds.", 1.0)
ROLLBACK = Rule("disks.rollback-volume", "rolls a volume back: everything newer is lost.", 0.9)
SNAPSHOT = Rule("disks.delete-snapshot", "deletes snapshots or backups, which are the way back.", 0.95)
MACHINE = Rule("disks.delete-machine", "deletes a virtual machine or system container with its disks.", 0.95)
SHRINK = Rule("disks.shrink", "shrinks a volume: what lies beyond its new end is lost.", 0.85)


def _mkfs(call: Call, line: Line) -> Finding | None:
    """An image file in a scratch folder is no disk."""
    targets = [arg for arg in call.args if not arg.startswith("-") and not arg.isdigit()]
    if not targets or kind(targets[-1], call.cwd) in HARMLESS or line.has("-n", "-N"):
        return None
    return Finding(FORMAT, targets[-1])


def _fdisk(_call: Call, line: Line) -> Finding | None:
    if line.has(
        "-l", "--list", "-s", "-x", "-d", "--dump", "-p", "--print", "-v", "-V", "-i", "--info", "--verify", "-J"
    ):
        return None
    return Finding(PARTITION, line.words[0]) if line.words else None


def _parted(_call: Call, line: Line) -> Finding | None:
    changes = {"mklabel", "mktable", "mkpart", "rm", "resizepart", "rescue"} & set(line.words)
    return Finding(PARTITION, f"{line.words[0]} {' '.join(sorted(changes))}") if changes else None


def _resize(_call: Call, line: Line) -> Finding | None:
    size = line.value("-L", "--size", "-l", "--extents") or ""
    return Finding(SHRINK, size) if size.startswith("-") else None


def _format(call: Call, _line: Line) -> Finding | None:
    """Windows' `format D: /q`."""
    drive = next((arg for arg in call.args if len(arg) in (2, 3) and arg[1:2] == ":"), "")
    return Finding(FORMAT, drive) if drive else None


def _diskpart(call: Call, _line: Line) -> Finding | None:
    text = call.reads.text.lower() if call.reads and call.reads.how == "text" else ""
    return Finding(WIPE) if any(word in text for word in ("clean", "format", "delete")) else None


TOOLS = (
    Tool(
        "mkfs mke2fs mkswap mkdosfs mkntfs newfs newfs_msdos mkfs.ext4 mkfs.xfs mkfs.btrfs",
        check=_mkfs,
        gate="*",
        dry=("--help",),
        valued="-t -L -b -i -m -N -O -U -F -n -I -E --label -l",
    ),
    Tool("wipefs", row(WIPE, any="-a --all -o --offset", unless="-n --no-act"), gate="*", valued="-o --offset -t"),
    Tool("fdisk sfdisk cfdisk gdisk cgdisk", check=_fdisk, gate="*", dry=("--help", "--no-act", "-n", "--version")),
    Tool("sgdisk", row(PARTITION, any="-Z -z --zap --zap-all -o --clear -d --delete -n --new -t --typecode"), gate="*"),
    Tool("parted", check=_parted, gate="mklabel mktable mkpart rm resizepart rescue"),
    Tool("blkdiscard", row(WIPE), gate="*"),
    Tool("format", check=_format, gate="*"),
    Tool("diskpart", check=_diskpart, gate="clean format delete"),
    Tool("format-volume clear-disk remove-partition initialize-disk", row(WIPE), gate="*", long_dash=True, fold=True),
    Tool(
        "diskutil",
        row(WIPE, "erase*|secureErase|zeroDisk|randomDisk|partitionDisk|reformat"),
        row(VOLUME, "apfs|ap deleteContainer|deleteVolume|eraseVolume|deleteSnapshot|deleteVolumeGroup"),
        row(VOLUME, "coreStorage|cs|appleRAID delete*"),
    ),
    Tool(
        "hdparm",
        row(WIPE, any="--security-erase --security-erase-enhanced --trim-sector-ranges --make-bad-sector"),
        gate="security trim make",
        long_dash=True,
    ),
    Tool("nvme", row(WIPE, "format|sanitize|delete-ns|write-zeroes|dsm"), gate="format sanitize delete write dsm"),
    Tool("lvremove vgremove pvremove", row(VOLUME, unless="-t --test"), gate="*"),
    Tool("lvresize", check=_resize, gate="*", valued="-L --size -l --extents"),
    Tool("badblocks", row(WIPE, any="-w"), gate="*", valued="-b -c -t -p -o -i"),
    Tool("lvreduce", row(SHRINK, unless="-t --test"), gate="*"),
    Tool("lvm", row(VOLUME, "lvremove|vgremove|pvremove")),
    Tool("zpool", row(VOLUME, "destroy|labelclear|split"), row(VOLUME, "create", any="-f")),
    Tool(
        "zfs",
        row(VOLUME, "destroy", unless="-n -nv"),
        row(ROLLBACK, "rollback"),
        row(ROLLBACK, "receive|recv", any="-F"),
    ),
    Tool("btrfs", row(VOLUME, "subvolume|sub delete|del*"), row(VOLUME, "device|dev delete|remove")),
    Tool("mdadm", row(VOLUME, any="--zero-superblock --remove --fail --create -C"), gate="zero remove fail create c"),
    Tool(
        "cryptsetup",
        row(WIPE, "luksFormat|luksErase|erase|luksKillSlot|luksRemoveKey|reencrypt"),
        row(WIPE, "close"),
        gate="luksformat lukserase erase lukskillslot luksremovekey reencrypt",
    ),
    Tool(
        "ceph",
        row(VOLUME, "osd pool delete|rm"),
        row(VOLUME, "osd purge|destroy|rm|lost|zap"),
        row(VOLUME, "fs rm"),
        row(VOLUME, "orch device zap"),
        row(VOLUME, "orch osd rm"),
    ),
    Tool(
        "rbd",
        row(VOLUME, "rm|remove"),
        row(SNAPSHOT, "snap rm|purge|remove"),
        row(ROLLBACK, "snap rollback|revert"),
        row(VOLUME, "trash purge|rm"),
    ),
    Tool("rados", row(VOLUME, "purge|rmpool"), row(VOLUME, "rm")),
    Tool("gluster", row(VOLUME, "volume delete|remove-brick"), row(SNAPSHOT, "snapshot delete"), gate="delete remove"),
    Tool("vssadmin", row(SNAPSHOT, "delete|Delete"), gate="delete"),
    Tool("wbadmin", row(SNAPSHOT, "delete"), gate="delete"),
    Tool("wmic", row(SNAPSHOT, ".. delete"), gate="delete"),
    Tool(
        "tmutil",
        row(SNAPSHOT, "delete*|thinlocalsnapshots|disable"),
        gate="delete deletelocalsnapshots deletebackup thinlocalsnapshots deleteinprogress",
    ),
    Tool("snapper", row(SNAPSHOT, ".. delete|remove|rm|delete-config"), valued="-c --config"),
    Tool("timeshift", row(SNAPSHOT, any="--delete --delete-all"), gate="delete"),
    Tool(
        "restic rustic",
        row(SNAPSHOT, "forget|prune|rewrite|snapshots-remove"),
        valued="-r --repo -p --password-file -o",
    ),
    Tool("borg", row(SNAPSHOT, "delete|prune|recreate"), valued="-r --repo"),
    Tool("kopia", row(SNAPSHOT, "snapshot|snapshots delete|expire"), row(SNAPSHOT, "repository delete")),
    Tool("duplicity", row(SNAPSHOT, "remove-*|cleanup", any="--force")),
    Tool(
        "velero",
        row(SNAPSHOT, "backup|schedule|restore|backup-location delete"),
        row(SNAPSHOT, "delete"),
        valued="-n --namespace",
    ),
    Tool("pgbackrest", row(SNAPSHOT, ".. expire|stanza-delete")),
    Tool("wal-g wal-e", row(SNAPSHOT, "delete", any="--confirm"), row(SNAPSHOT, "delete everything")),
    Tool("barman", row(SNAPSHOT, "delete")),
    Tool("tarsnap", row(SNAPSHOT, any="-d --nuke"), gate="d nuke"),
    Tool(
        "virsh",
        row(MACHINE, "undefine|vol-delete|vol-wipe|pool-delete|snapshot-delete|checkpoint-delete"),
        row(ROLLBACK, "snapshot-revert"),
        valued="-c --connect",
    ),
    Tool(
        "vboxmanage",
        row(MACHINE, "unregistervm", any="--delete --delete-all"),
        row(MACHINE, "closemedium|closevm", any="--delete"),
        row(SNAPSHOT, "snapshot * delete"),
        row(ROLLBACK, "snapshot * restore*"),
        row(MACHINE, "closemedium * *", any="--delete"),
    ),
    Tool("qm pct", row(MACHINE, "destroy"), row(SNAPSHOT, "delsnapshot"), row(ROLLBACK, "rollback")),
    Tool(
        "lxc incus",
        row(MACHINE, "delete|rm"),
        row(VOLUME, "storage delete"),
        row(VOLUME, "storage volume delete|rm"),
        row(MACHINE, "project delete"),
        row(None, "image|profile|network"),
    ),
    Tool("lxc-destroy", row(MACHINE), gate="*"),
    Tool("multipass", row(MACHINE, "purge"), row(MACHINE, "delete", any="-p --purge")),
    Tool("limactl colima", row(MACHINE, "delete|remove|rm|prune|factory-reset")),
    Tool("vagrant", row(MACHINE, "destroy"), row(SNAPSHOT, "snapshot delete"), row(ROLLBACK, "snapshot restore|pop")),
    Tool(
        "vmrun",
        row(MACHINE, ".. deleteVM"),
        row(SNAPSHOT, ".. deleteSnapshot"),
        row(ROLLBACK, ".. revertToSnapshot"),
        valued="-T",
    ),
    Tool(
        "govc",
        row(MACHINE, "vm.destroy|object.destroy|datastore.rm|pool.destroy|folder.destroy"),
        row(SNAPSHOT, "snapshot.remove"),
        gate="vm object datastore pool snapshot folder",
    ),
    Tool("xe", row(MACHINE, "vm-destroy|vm-uninstall|vdi-destroy|sr-destroy|snapshot-destroy|sr-forget|host-forget")),
    Tool("remove-vm remove-vmsnapshot remove-vhd", row(MACHINE), gate="*", long_dash=True, fold=True),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
