"""What PICTURES on the command line stand for."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

from tfds_copper.errors import InputError, SettingError
from tfds_copper.micrograph import EXTENSIONS

__all__ = ["Source", "sources_of"]


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


def _of_folder(folder: Path) -> list[Source]:
    """The pictures of a SEM folder with labels.csv, or else whatever pictures lie below a folder."""
    from tfds_copper.folder import scan

    if (folder / "labels.csv").is_file():
        found = scan(folder)
        return [Source(folder / p.file, p.file, p.sheet, p.pixel_size_nm) for p in found.pictures]
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    files = [p for p in files if p.relative_to(folder).parts[0] != "truth"]
    if not files:
        raise InputError(f"{folder}: must hold pictures ({', '.join(sorted(EXTENSIONS))}). Received: none")
    return [Source(p, p.relative_to(folder).as_posix()) for p in files]


def sources_of(paths: tuple[Path, ...], sheet: str = "") -> Iterator[Source]:
    """All pictures, each with a name of its own.

    Args:
        paths: files and folders.
        sheet: what they are all of; "" keeps what labels.csv says.

    Raises:
        InputError: if a path is missing or a folder holds no picture.
        SettingError: if two pictures would have one name.
    """
    names: set[str] = set()
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: a picture or a folder of pictures is needed. Received: nothing there")
        for source in _of_folder(path) if path.is_dir() else [Source(path, path.name)]:
            stem = str(Path(source.name).with_suffix(""))
            if stem in names:
                raise SettingError(
                    f"{source.path}: two pictures would give results of one name; "
                    f"predict them into two folders. Received: {stem} twice"
                )
            names.add(stem)
            yield dataclasses.replace(source, sheet=sheet or source.sheet)
