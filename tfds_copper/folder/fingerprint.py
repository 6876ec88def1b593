"""A fingerprint of a SEM folder: equal exactly where pictures, true masks and labels are equal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tfds_copper.errors import InputError
from tfds_copper.folder.scan import Picture, SemFolder
from tfds_copper.micrograph.vendors.registry import sidecar_bytes
from tfds_copper.progress import Progress

__all__ = ["folder_fingerprint"]


def _label_line(picture: Picture) -> bytes:
    known = [picture.file, picture.t, picture.label, picture.sheet, picture.split, repr(picture.pixel_size_nm)]
    return json.dumps([*known, list(picture.columns.items()), picture.truth is not None]).encode()


def _file_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise InputError(f"{path}: must be a readable file. Received: {error.strerror or error}") from error


def folder_fingerprint(folder: SemFolder, progress: Progress | None = None) -> str:
    """The SHA-256 of all labels and of the bytes of all pictures, sidecars and true masks, as 64 hex digits.

    Where the folder lies does not count, nor do files that were skipped.

    Args:
        folder: a scanned folder.
        progress: called with the number of pictures done, their total, and ``"checking"``.

    Raises:
        InputError: if a file can't be read.
    """
    total = hashlib.sha256(folder.unit.encode())
    for done, picture in enumerate(folder.pictures, start=1):
        total.update(_label_line(picture))
        total.update(_file_digest(folder.root / picture.file))
        total.update(hashlib.sha256(sidecar_bytes(folder.root / picture.file)).digest())
        if picture.truth is not None:
            total.update(_file_digest(picture.truth))
        if progress is not None:
            progress(done, len(folder.pictures), "checking")
    return total.hexdigest()
