"""Which file system a path is on. SQLite's shared memory and our locks do not reach across machines."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

#: File systems over a network.
_REMOTE = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre beegfs davfs coda ncpfs gpfs pvfs2 orangefs "
    "ocfs2 gfs2".split()
)
#: The same in user space: `fuse.sshfs` and its like. Local ones (`fuse.ntfs-3g`, `fuseblk`, overlays) are not among
#: them.
_REMOTE_FUSE = frozenset(
    "sshfs s3fs rclone gcsfuse blobfuse blobfuse2 goofys glusterfs ceph davfs2 gvfsd-fuse curlftpfs juicefs seaweedfs "
    "mount-s3 hdfs onedrive google-drive-ocamlfuse".split()
)
#: Views of the kernel, not files.
_KERNEL = frozenset(
    "proc sysfs devpts cgroup cgroup2 debugfs tracefs securityfs configfs bpf mqueue pstore efivarfs autofs "
    "binfmt_misc fusectl selinuxfs nsfs".split()
)
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def file_system(path: Path) -> str | None:
    """The kind of file system that a path is on; None where the system does not tell."""
    with suppress(OSError):
        return mounted(os.path.realpath(path), Path("/proc/self/mounts").read_bytes())
    return None


def mounted(path: str, mounts: bytes) -> str | None:
    """The kind of the innermost mount that holds a path. mounts: as in /proc/self/mounts; a later row hides earlier
    ones."""
    wanted, best, kind = os.fsencode(path), -1, None
    for row in mounts.splitlines():
        fields = row.split(b" ")
        if len(fields) < 3:
            continue
        place = _ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 255]), fields[1])
        inside = wanted == place or wanted.startswith(place.rstrip(b"/") + b"/")
        if inside and len(place) >= best:
            best, kind = len(place), fields[2].decode("ascii", "replace")
    return kind


def is_remote(kind: str | None) -> bool:
    """Whether such a file system may be on another machine."""
    if kind is None:
        return False
    return kind in _REMOTE or (kind.startswith("fuse.") and kind[5:] in _REMOTE_FUSE)


def is_kernel(kind: str | None) -> bool:
    """Whether such a file system shows the kernel rather than holding files."""
    return kind in _KERNEL
