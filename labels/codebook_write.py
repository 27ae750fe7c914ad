"""Writing into a codebook's TOML file: a mode is added at its end and the version is raised, and nothing else of the
file changes, so that comments and layout of whoever wrote it stay."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from labels.codebook import BUILT_IN, Codebook, Mode, diff, load
from labels.codebook_paths import user_codebook_folder
from sessions.errors import UsageError, UserError

_VERSION = re.compile(r'(?m)^(?P<before>version\s*=\s*)(?P<quote>["\'])(?P<value>[^"\'\n]*)(?P=quote)')
_FIRST_TABLE = re.compile(r"(?m)^\s*\[")
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")


def raised(version: str) -> str:
    """The next version: its last number one higher ("1.2" -> "1.3"); ".1" behind one that has no number."""
    if _LAST_NUMBER.search(version):
        return _LAST_NUMBER.sub(lambda found: str(int(found[1]) + 1), version, count=1)
    return f"{version}.1"


def add_mode(path: Path, mode: Mode, version: str = "") -> Codebook:
    """Add a mode to the codebook in a file, and raise its version (to `version`, if given). The codebook as it is then.

    Raises UserError where the file is no codebook, belongs to the program, cannot be written, or would not be the same
    codebook with this one more mode; UsageError where it has a mode of that slug or code, or that version.
    """
    path = path.resolve()
    if path.parent == BUILT_IN.resolve():
        raise UserError(f"{path.name} comes with the program.", "Name a codebook of your own; a new file is made.")
    before = load(path)
    if mode.slug in before.by_slug:
        raise UsageError(f"{before.id} has a mode {mode.slug!r} already.", "Give another slug, or edit the file.")
    version = version or raised(before.version)
    if version == before.version:
        raise UsageError(f"{before.id} is version {version} already.", "Name a later one, or none: it is raised then.")
    text = path.read_bytes().decode("utf-8-sig")  # not as text: line ends stay as they are
    text = _with_version(path, text, version).rstrip("\n") + "\n\n" + mode_toml(mode)
    return _replace(path, text)


def create(path: Path, id: str, title: str, mode: Mode, version: str = "0.1") -> Codebook:
    """A new codebook file with one mode. Raises UserError if the file is there or cannot be written, UsageError for an
    id or title that cannot be."""
    if path.exists():
        raise UserError(f"{path} is there already.")
    check_path(path)
    head = [f"id = {quoted(id)}", f"version = {quoted(version)}", f"title = {quoted(title)}"]
    head.append(f"source = {quoted('Made by open coding with review-tui: see the note of each mode.')}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path.parent}: {error.strerror}.", "Name another file.") from None
    return _replace(path, "\n".join(head) + "\n\n" + mode_toml(mode))


def check_path(path: Path) -> None:
    """Raise UsageError or UserError where a codebook cannot be at this path. Folders are not made, save the user's own
    folder of codebooks: a folder that is not there is more likely a slip."""
    if path.is_dir():
        raise UserError(f"{path} is a folder.", "Name a file in it, ending in .toml.")
    if path.suffix != ".toml":
        raise UsageError(f"{path} is no name for a codebook.", "Let it end in .toml.")
    if not path.parent.is_dir() and path.parent != user_codebook_folder():
        raise UserError(f"there is no folder {path.parent}.", "Make it first, or name a file elsewhere.")


def _with_version(path: Path, text: str, version: str) -> str:
    table = _FIRST_TABLE.search(text)
    found = _VERSION.search(text, 0, table.start() if table else len(text))
    if found is None:
        raise UserError(f"{path}: its line `version = ...` was not found.", "Write it on a line of its own at the top.")
    return f"{text[: found.start()]}{found['before']}{quoted(version)}{text[found.end() :]}"


def _replace(path: Path, text: str) -> Codebook:
    """Put the text in place of the file, once it has been read back as what it should be."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".toml", dir=path.parent)
    except OSError as error:
        raise UserError(f"cannot write in {path.parent}: {error.strerror}.", "Name a file elsewhere.") from None
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            after = load(draft)
        except UserError as error:
            raise UserError(
                f"{path} would be no codebook then: {_about(error, draft)}", "Nothing was written."
            ) from None
        if path.exists():
            _only_more(path, load(path), after)
        draft.chmod(mode if mode is not None else 0o644)
        draft.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}.", "Nothing was changed.") from None
    finally:
        draft.unlink(missing_ok=True)
    return after


def _about(error: UserError, draft: Path) -> str:
    return error.message.replace(str(draft), "").lstrip(", ")


def _only_more(path: Path, before: Codebook, after: Codebook) -> None:
    """Raises UserError unless the new state is the old one with one more mode."""
    change = diff(before, after)
    if len(change.added) != 1 or change.removed or change.renamed or change.changed or change.about:
        raise UserError(f"{path}: a mode cannot be added to it safely.", "Add it by hand; nothing was written.")


# -- TOML -------------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A text as TOML: on one line, or between three quotes where it has several."""
    escaped = "".join(_escaped(char) for char in text)
    if "\n" in text:
        return '"""\n' + escaped + '"""'
    return f'"{escaped}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char == "\n" or char.isprintable():
        return char
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return f"\\u{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08X}"


def mode_toml(mode: Mode) -> str:
    """A mode as a `[[mode]]` table."""
    fields = [("slug", mode.slug), ("code", mode.code), ("name", mode.name), ("category", mode.category)]
    fields += [("definition", mode.definition), ("note", mode.note)]
    lines = ["[[mode]]", *(f"{name} = {quoted(text)}" for name, text in fields if text)]
    if mode.when:
        lines.append(f"when = {_list(mode.when)}")
    if mode.aliases:
        lines.append(f"aliases = {_list(mode.aliases)}")
    if mode.example is not None:
        lines += ["[mode.example]", f"text = {quoted(mode.example.text)}", f"why = {quoted(mode.example.why)}"]
    return "\n".join(lines) + "\n"


def _list(texts: Iterable[str]) -> str:
    return "[\n" + "".join(f"  {quoted(text)},\n" for text in texts) + "]"
