"""The hook as Claude Code calls it, for each and every call: a small program that asks a waiting server.

    python -I -S hook_client.py hook claude-code OPTIONS -- PROGRAM

Loading what looks at a call takes half a second, which a call of an agent should not wait for. So a server has it
loaded (`hook_server`), and this program, which needs nothing but Python itself, passes the event on and prints the
answer. Where no server can be asked, PROGRAM answers as it would have without (`review-tui hook claude-code`), and a
server is started for the next time. Whatever goes wrong ends with code 2, which blocks.
"""

import contextlib
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import zlib

BLOCKED = 2
LENGTH = struct.Struct("!Q")
OPTIONS = {"--db": "db", "--chunks": "chunks", "--timeout": "timeout_s", "--on-rollback": "on_rollback"}
#: Bytes that the name of a socket may have.
MOST_PATH = 100
#: Until this, a server that was asked may not have answered "I have it": then it hangs, and is not waited for.
HELLO_S = 2.0


def socket_path(db: str) -> str | None:
    """Where the server of a database listens: in a folder that only this user can enter. None if there is none."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = os.path.join(base, "review-tui") if base else f"/tmp/review-tui-{os.getuid()}"  # noqa: S108
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        status = os.lstat(folder)
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077:
            name = zlib.crc32("\0".join([os.path.abspath(db), sys.prefix, __file__]).encode("utf-8", "replace"))
            path = os.path.join(folder, f"hook-{name:08x}.sock")
            return path if len(os.fsencode(path)) <= MOST_PATH else None
    return None


def options_of(words: list[str]) -> dict[str, str] | None:
    """The options, None if there is one that is not known here."""
    found: dict[str, str] = {}
    for name, value in zip(words[::2], words[1::2], strict=False):
        if name not in OPTIONS:
            return None
        found[OPTIONS[name]] = value
    return found if len(words) % 2 == 0 and "db" in found else None


def receive(link: socket.socket) -> dict[str, object] | None:
    """One message; None if the other side is gone."""
    data = b""
    size = LENGTH.size
    while len(data) < size:
        piece = link.recv(min(1 << 20, size - len(data)))
        if not piece:
            return None
        data += piece
        if len(data) == LENGTH.size and size == LENGTH.size:
            size += LENGTH.unpack(data)[0]
    value: dict[str, object] = json.loads(data[LENGTH.size :])
    return value


def send(link: socket.socket, value: object) -> None:
    data = json.dumps(value).encode()
    link.sendall(LENGTH.pack(len(data)) + data)


def is_ours(link: socket.socket) -> bool:
    """Whether the other side is a process of this user (Linux tells; elsewhere the folder's permissions must do)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(uid == os.getuid())


def ask_server(path: str, asked: dict[str, object]) -> dict[str, object] | None:
    """The server's answer; None if there is no server, or it cannot be asked now. Once it has said that it has the
    event, its silence is no answer, and blocks."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(HELLO_S)
        try:
            link.connect(path)
            if not is_ours(link):
                return None
            send(link, asked)
            hello = receive(link)
        except (OSError, ValueError):
            return None
        if hello is None or hello.get("hello") is not True:
            return None
        link.settimeout(None)
        return receive(link) or {
            "code": BLOCKED,
            "err": "review-tui: the hook's server has died. Nothing was approved.",
        }


def start_server(path: str) -> None:
    """Start one for the next time, with nothing of this process's but its environment."""
    with contextlib.suppress(OSError):
        subprocess.Popen(
            [sys.executable, "-P", "-m", "sessions.adapters.hook_server", path], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip


def answer(words: list[str]) -> int:
    """The exit code; the answer is printed."""
    place = words.index("--")
    arguments, program = words[:place], words[place + 1 :]
    event = sys.stdin.buffer.read()
    options = options_of(arguments[2:])
    path = socket_path(options["db"]) if options else None
    if options and path:
        asked = {**options, "event": event.decode("latin-1"), "env": dict(os.environ), "cwd": os.getcwd()}
        said = ask_server(path, asked)
        if said is not None:
            sys.stdout.write(str(said.get("out", "")))
            sys.stderr.write(str(said.get("err", "")))
            return 0 if said.get("code") == 0 else BLOCKED
        start_server(path)
    done = subprocess.run([*program, *arguments], input=event, check=False)
    return 0 if done.returncode == 0 else BLOCKED


if __name__ == "__main__":
    try:
        code = answer(sys.argv[1:])
        sys.stdout.flush()
    except BaseException as error:  # a hook that fails must not let the call through
        sys.stderr.write(f"review-tui: something went wrong inside ({type(error).__name__}: {error}).\n")
        code = BLOCKED
    sys.exit(code)
