"""The pictures that paths stand for, each with a name of its own in the results."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Protocol, TypeVar

from tfds_copper.errors import InputError, SettingError
from tfds_copper.micrograph import EXTENSIONS

__all__ = ["Source", "distinct", "sorted_names", "sources_of"]


class _Named(Protocol):
    @property
    def path(self) -> object: ...

    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=_Named)


@dataclasses.dataclass(frozen=True)
class Source:
    """One micrograph: its file, its name in the results, and what is known of it.

    Attributes:
        path: its file.
        name: unique among those of a command.
        sheet: "" where unknown.
        pixel_size_nm: from labels.csv; NaN where not given.
    """

    path: Path
    name: str
    sheet: str = ""
    pixel_size_nm: float = math.nan


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names of pictures below a folder, sorted part by part as paths are; those of true masks are left out."""
    return sorted((n for n in names if n.split("/")[0] != "truth"), key=lambda name: name.replace("/", "\0"))


def _of_folder(folder: Path) -> Iterator[Source]:
    """The pictures of a SEM folder with labels.csv, or else whatever pictures lie below a folder."""
    from tfds_copper.folder.scan import scan

    if (folder / "labels.csv").is_file():
        yield from (Source(folder / p.file, p.file, p.sheet, p.pixel_size_nm) for p in scan(folder).pictures)
        return
    files = (p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    # A path takes ten times the memory of its name, and there may be very many.
    names = sorted_names(p.relative_to(folder).as_posix() for p in files)
    if not names:
        raise InputError(f"{folder}: must hold pictures ({', '.join(sorted(EXTENSIONS))}). Received: none")
    yield from (Source(folder / name, name) for name in names)


def distinct(pictures: Iterable[Item]) -> Iterator[Item]:
    """The same pictures; each must have a name of its own.

    Raises:
        SettingError: if two pictures would have one name.
    """
    stems: set[str] = set()
    for picture in pictures:
        stem = str(PurePath(picture.name).with_suffix(""))
        if stem in stems:
            raise SettingError(
                f"{picture.path}: two pictures would give results of one name; "
                f"predict them into two folders. Received: {stem} twice"
            )
        stems.add(stem)
        yield picture


def _of_path(path: Path) -> Iterator[Source]:
    if not path.exists():
        raise InputError(f"{path}: a picture or a folder of pictures is needed. Received: nothing there")
    yield from _of_folder(path) if path.is_dir() else [Source(path, path.name)]


def sources_of(paths: Iterable[Path], sheet: str = "") -> Iterator[Source]:
    """All pictures, each with a name of its own.

    Args:
        paths: files and folders.
        sheet: what they are all of; "" keeps what labels.csv says.

    Raises:
        InputError: if a path is missing or a folder holds no picture.
        SettingError: if two pictures would have one name.
    """
    for source in distinct(source for path in paths for source in _of_path(path)):
        yield dataclasses.replace(source, sheet=sheet or source.sheet)
