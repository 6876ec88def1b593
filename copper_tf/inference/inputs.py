"""The pictures that paths stand for, each with a name of its own in the results."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import TypeVar

from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.clutter import is_clutter, is_system_name, result_folders
from tfds_copper.micrograph import EXTENSIONS

__all__ = ["Named", "Source", "distinct", "labelled", "sorted_names", "sources_below", "sources_of"]


@dataclasses.dataclass(frozen=True)
class Named:
    """A picture with its name in the results.

    Attributes:
        path: its file, or its address in a bucket.
        name: unique among those of a command.
        twin: whether another picture has the same name but for the ending; its results then keep the ending.
    """

    path: Path | str
    name: str
    twin: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def result(self) -> str:
        """The name of its maps and overlays, without their own ending, as any file system takes it."""
        return _result(self.name, self.twin)


Item = TypeVar("Item", bound=Named)


def _result(name: str, twin: bool) -> str:
    kept = re.sub(r"[<>:\"|?*]", "_", name)
    return kept if twin else str(PurePath(kept).with_suffix(""))


@dataclasses.dataclass(frozen=True)
class Source(Named):
    """One micrograph: its file, its name in the results, and what is known of it.

    Attributes:
        path: its file.
        sheet: "" where unknown.
        pixel_size_nm: from labels.csv; NaN where not given.
    """

    path: Path
    sheet: str = ""
    pixel_size_nm: float = math.nan


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names of pictures below a folder, sorted part by part as paths are.

    Those of true masks are left out, and what is hidden or of a system.
    """
    pictures = (n for n in names if n.split("/")[0] != "truth" and not is_clutter(n))
    return sorted(pictures, key=lambda name: name.replace("/", "\0"))


def _names_below(folder: Path) -> Iterator[str]:
    """The names of the pictures below a folder; results that lie there are none."""
    for where, names, files in os.walk(folder):
        here = Path(where)
        results = result_folders(here, names, files, here == folder)
        names[:] = [name for name in names if name not in results and not is_system_name(name)]
        for name in files:
            if PurePath(name).suffix.lower() in EXTENSIONS and (here / name).is_file():
                yield (here / name).relative_to(folder).as_posix()


def _of_folder(folder: Path) -> Iterator[Source]:
    """The pictures that the labels.csv of a folder lists, or else whatever pictures lie below it."""
    from tfds_copper.folder.labels import find_labels, read_sheets

    if labels := find_labels(folder):
        rows = sorted(read_sheets(labels), key=lambda row: row.file)
        yield from (Source(folder / row.file, row.file, row.sheet, row.pixel_size_nm) for row in rows)
        return
    # A path takes ten times the memory of its name, and there may be very many.
    names = sorted_names(_names_below(folder))
    if not names:
        raise InputError(f"{folder}: must hold pictures ({', '.join(sorted(EXTENSIONS))}). Received: none")
    yield from (Source(folder / name, name) for name in names)


def _key(name: str, twin: bool) -> str:
    return os.path.normcase(_result(name, twin))


def _twins(pictures: Iterable[Named]) -> set[str]:
    """The results that more than one picture would have."""
    first: dict[str, str] = {}
    shared: set[str] = set()
    for picture in pictures:
        plain = _key(picture.name, False)
        other = first.setdefault(plain, picture.name)
        if other != picture.name:
            # What they are called instead may be what a third one would be.
            shared |= {plain, _key(picture.name, True), _key(other, True)}
    return shared


def distinct(pictures: Callable[[], Iterable[Item]]) -> Iterator[Item]:
    """The same pictures, each with results of its own; a file that was given twice comes once.

    Args:
        pictures: lists them; called twice, so that very many need not be held.

    Raises:
        SettingError: if two pictures have one name.
    """
    twins = _twins(pictures())
    paths: dict[str, str] = {}
    for listed in pictures():
        picture = dataclasses.replace(listed, twin=_key(listed.name, False) in twins)
        result, path = os.path.normcase(picture.result), os.path.abspath(picture.path)
        if result not in paths:
            paths[result] = path
            yield picture
        elif paths[result] != path:
            raise SettingError(
                f"{picture.path}: two pictures would give results of one name; "
                f"predict them into two folders. Received: {picture.name} twice"
            )


def sources_below(path: Path) -> Iterator[Source]:
    """The pictures that a path stands for; names may repeat.

    Raises:
        InputError: if there is nothing, or a folder holds no picture.
    """
    if not path.exists():
        # A shell hands a pattern on as it stands where nothing fits it; *.tif doesn't fit A.TIF.
        what = "a pattern that no file fits; name the folder" if set("*?") & set(str(path)) else "nothing there"
        raise InputError(f"{path}: a picture or a folder of pictures is needed. Received: {what}")
    yield from _of_folder(path) if path.is_dir() else [Source(path, path.name)]


def sources_of(paths: Iterable[Path], sheet: str = "") -> Iterator[Source]:
    """All pictures, each with results of its own.

    Args:
        paths: files and folders.
        sheet: what they are all of; "" keeps what labels.csv says.

    Raises:
        InputError: if a path is missing or a folder holds no picture.
        SettingError: if two pictures have one name.
    """
    places = list(paths)
    for source in distinct(lambda: itertools.chain.from_iterable(map(sources_below, places))):
        yield dataclasses.replace(source, sheet=sheet or source.sheet)


def labelled(sources: Sequence[Source], labels: Path) -> list[Source]:
    """The same pictures with the sheets, and the pixel sizes if it has some, of a table that lies elsewhere.

    Args:
        sources: the pictures.
        labels: a table as labels.csv is one, with the columns ``file`` and ``sheet``, and ``pixel_size_nm`` if known;
            a picture is found by its path, else by its name where only one row has that.

    Raises:
        InputError: if the table can't be used, doesn't list a picture, or contradicts the labels.csv beside it.
    """
    from tfds_copper.folder.labels import pixel_size_of_cell
    from tfds_copper.folder.numbers import style_of
    from tfds_copper.folder.tables import read_table, rows_of_files

    table = read_table(labels, ("file", "sheet"))
    files = [cells["file"] for _, cells in table.rows]
    if repeated := sorted(file for file, count in collections.Counter(files).items() if count > 1):
        raise InputError(f"{labels}: each file must be listed once. Received: {repeated[0]!r} again")
    rows = rows_of_files([source.name for source in sources], files)
    if lost := [source.name for source, row in zip(sources, rows, strict=True) if row is None]:
        also = f" and {len(lost) - 1} more" if lost[1:] else ""
        raise InputError(f"{labels}: must list every picture, or one of its name alone. Received: no {lost[0]!r}{also}")
    style = style_of((cells.get("pixel_size_nm", "") for _, cells in table.rows), table.separator == ",")
    found = []
    for source, row in zip(sources, rows, strict=True):
        assert row is not None
        line, cells = table.rows[row]
        where, sheet = f"{labels}, line {line}", cells["sheet"]
        if sheet and source.sheet not in ("", sheet):
            raise InputError(f"{where}: sheet must be that of the labels.csv of {source.path}. Received: {sheet!r}")
        size, _ = pixel_size_of_cell(cells.get("pixel_size_nm", ""), where, style)
        size = source.pixel_size_nm if math.isnan(size) else size
        found.append(dataclasses.replace(source, sheet=sheet or source.sheet, pixel_size_nm=size))
    return found
