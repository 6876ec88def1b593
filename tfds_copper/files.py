"""Atomic writing, so that a file is there whole or not at all, and a lock on a folder."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fasteners

from tfds_copper.errors import OutputError

__all__ = [
    "DISK_FULL",
    "is_disk_full",
    "json_text",
    "lock_folder",
    "path_beside",
    "replacing",
    "write_bytes",
    "write_json",
    "write_text",
]

# How a full disk is named to the user.
DISK_FULL = "the disk is full"
# How libraries name it that don't pass the system's number on: TensorFlow, HDF5 and Beam; NumPy.
_NO_ROOM = re.compile(r"No space left on device|\d+ requested and \d+ written")

# Held while a process works in a folder; the system lets it go however the process ends.
_LOCK = ".lock"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Locks a folder, so that no other process works in it at the same time.

    Args:
        folder: must be there.

    Raises:
        OutputError: if another process works in it.
    """
    lock = fasteners.InterProcessLock(folder / _LOCK)
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
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
