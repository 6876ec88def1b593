"""Atomic writing, so that a file is there whole or not at all, a lock on a folder, and the one place JSON is read."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fasteners

from tfds_copper.errors import OutputError, RunError

__all__ = [
    "DISK_FULL",
    "LOCK",
    "MOST_TEXT",
    "check_links",
    "found_instead",
    "is_disk_full",
    "is_temporary",
    "json_text",
    "lock_folder",
    "parsed_json",
    "path_beside",
    "read_json",
    "read_member",
    "replacing",
    "replacing_folder",
    "unpacked_bytes",
    "write_bytes",
    "write_json",
    "write_text",
]

# How a full disk is named to the user.
DISK_FULL = "the disk is full"
# How libraries name it that don't pass the system's number on: TensorFlow, HDF5 and Beam; NumPy.
_NO_ROOM = re.compile(r"No space left on device|\d+ requested and \d+ written")

# Held while a process works in a folder; the system lets it go however the process ends.
LOCK = ".lock"
# How the names of temporary files and folders begin.
_WRITING = ".writing-"
# JSON of ours is nested a few levels deep; what is deeper would end whatever walks through it.
_DEEPEST = 100
# Bytes of a text that is unpacked: a card of a model has some ten thousand.
MOST_TEXT = 2**20
# How much of a name its temporary one keeps: its ending, by which writers go.
_KEPT = 40


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Locks a folder, so that no other process works in it at the same time.

    Args:
        folder: must be there.

    Raises:
        OutputError: if another process works in it.
    """
    lock = fasteners.InterProcessLock(folder / LOCK)
    if not lock.acquire(blocking=False):
        # It stays open else.
        lock.lockfile.close()
        raise OutputError(f"{folder}: one process at a time may work in it. Received: another one that does")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` with the same ending, and renames it to `path` when all went well.

    Raises:
        OSError: if the place can't be written; the temporary file is removed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    # Nobody can know the name before, and a link that lies there isn't followed.
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666))
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yields a new, empty folder beside `path`, which takes its place when all went well.

    Args:
        path: a folder, or nothing; of the one that this process works in, only the contents are replaced.

    Raises:
        OSError: if the place can't be written; the temporary folder is removed then.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
        _exchange(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchange(new: Path, old: Path) -> None:
    """Puts a folder in the place of another one, which goes only when the new one is there."""
    if not old.is_dir() or old.is_symlink():
        os.replace(new, old)
        return
    aside = _temporary(old)
    if old.samefile(os.curdir):
        # Whoever stands in a folder that is replaced stands in one that is gone.
        pairs = [(child, aside / child.name) for child in old.iterdir()]
        aside.mkdir()
        moves = [*pairs, *((child, old / child.name) for child in new.iterdir())]
    else:
        moves = [(old, aside), (new, old)]
    moved: list[tuple[Path, Path]] = []
    try:
        for source, place in moves:
            os.replace(source, place)
            moved.append((source, place))
    except OSError:
        for source, place in reversed(moved):
            os.replace(place, source)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{_WRITING}{secrets.token_hex(8)}-{path.name[-_KEPT:]}")


def is_temporary(path: Path) -> bool:
    """Whether a file or folder is what a kill left half written."""
    return path.name.startswith(_WRITING)


def check_links(folder: Path) -> None:
    """Refuses links in a folder that lead out of it, by which others would have us read or write elsewhere.

    Args:
        folder: may be a link itself, and need not be there.

    Raises:
        RunError: naming the first such link.
    """
    root = os.path.realpath(folder)
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *files)):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                raise RunError(f"{path}: must lie in {folder}. Received: a link that leaves it")


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it comes from, says that a disk has no room left, however a library words it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            return True
        if _NO_ROOM.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def path_beside(path: str | os.PathLike[str], ending: str) -> Path:
    """``PATH.ENDING`` beside a file or folder: where what is made of it goes unless told otherwise."""
    whole = Path(path).resolve()
    return whole.with_name(f"{whole.name}.{ending}")


def found_instead(path: Path, wanted: Callable[[Path], bool], none: str) -> str:
    """What lies where something else is wanted, for the end of an error's line.

    Args:
        path: what was given.
        wanted: whether a folder is what was wanted; those of the given folder's own that are, are named.
        none: what is said of a folder without any.
    """
    if not path.is_dir():
        return "a file" if path.exists() else "nothing there"
    inside = [child.name for child in sorted(path.iterdir()) if child.is_dir() and wanted(child)]
    return f"a folder that holds {', '.join(inside)}: give one of these" if inside else none


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Writes a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding=encoding, newline="")


def json_text(value: Any) -> str:
    """JSON; NaN and infinity become null, so that any reader takes it, and NumPy's values plain ones."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically, see `json_text`."""
    write_text(path, json_text(value) + "\n")


def parsed_json(text: str | bytes) -> Any:
    """The values of JSON text.

    Raises:
        ValueError: if it is none, or nested deeper than anything of ours.
    """
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError(f"more than {_DEEPEST} levels") from None
    level = [values]
    for _ in range(_DEEPEST):
        inner = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [value for values_of in inner for value in values_of]
        if not level:
            return values
    raise ValueError(f"more than {_DEEPEST} levels")


def read_json(file: str | os.PathLike[str]) -> Any:
    """The values of a JSON file.

    Raises:
        OSError: if it can't be read.
        ValueError: see `parsed_json`.
    """
    return parsed_json(Path(file).read_text(encoding="utf-8"))


def unpacked_bytes(file: Path) -> int:
    """What the members of a zip file take once they are unpacked, as it says itself.

    Raises:
        OSError: if it can't be read.
        zipfile.BadZipFile: if it is none.
    """
    with zipfile.ZipFile(file) as archive:
        return sum(member.file_size for member in archive.infolist())


def read_member(archive: zipfile.ZipFile, name: str, most: int = MOST_TEXT) -> bytes:
    """A member of a zip file, whatever the archive says of its size.

    Args:
        archive: open.
        name: of the member.
        most: bytes that are unpacked.

    Raises:
        ValueError: if there is more.
    """
    with archive.open(name) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} of more than {most} bytes")
    return content


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if hasattr(value, "item"):
        return _finite(value.tolist())
    if isinstance(value, float) and value - value != 0:
        return None
    return value
