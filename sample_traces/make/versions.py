"""Which tools the shipped runs were made with: their words are in the files, so other versions may give other bytes."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

FILE = "make/versions.txt"
PROGRAMS = ("bash", "git", "sed", "sqlite3", "sort")


def versions() -> str:
    """One tool a line; a tool that is not here is named as missing."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    try:
        found["pytest"] = version("pytest")
    except PackageNotFoundError:
        found["pytest"] = "missing"
    for program in PROGRAMS:
        found[program] = _first_line(program)
    return "".join(f"{name}: {text}\n" for name, text in found.items())


def _first_line(program: str) -> str:
    if shutil.which(program) is None:
        return "missing"
    done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode("utf-8", "replace").partition("\n")[0].strip()
