"""Scan a SEM folder: which pictures it holds, their labels, sheets and true masks, and what was skipped."""

from __future__ import annotations

import collections
import dataclasses
import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.clutter import is_clutter, is_result, result_folders
from tfds_copper.folder.labels import LABELS, LabelRow, find_labels, read_labels
from tfds_copper.folder.names import is_class_name, parse_names
from tfds_copper.folder.readings import Reading, readings_of
from tfds_copper.folder.times import common_unit, label_names, time_text
from tfds_copper.micrograph import EXTENSIONS, LOSSLESS_EXTENSIONS
from tfds_copper.micrograph.reading import one_line_errors
from tfds_copper.micrograph.vendors.registry import sidecar_metadata
from tfds_copper.micrograph.vendors.sidecar import sidecars

__all__ = ["Picture", "SemFolder", "scan"]

_TRUTH = "truth"
_NO_PICTURE, _LEAVES, _RESULT = "not a picture", "link that leaves the folder", "result of copper-tf"
# More levels than anyone sorts pictures into, and fewer than Python can go down.
_DEEPEST = 64


@dataclasses.dataclass(frozen=True)
class Picture:
    """One micrograph of a SEM folder, not yet read.

    Args:
        file: path below the folder, with ``/``.
        t: stress time in the folder's unit.
        label: rank of t, from 0.
        sheet: the physical sample; empty where unknown.
        split: the split that labels.csv asks for; empty where it asks for none.
        pixel_size_nm: from labels.csv; NaN where not given.
        columns: further columns of labels.csv, as text, in its order.
        truth: the true mask's file; None where there is none.
    """

    file: str
    t: float
    label: int
    sheet: str = ""
    split: str = ""
    pixel_size_nm: float = math.nan
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    truth: Path | None = None


@dataclasses.dataclass(frozen=True)
class SemFolder:
    """A scanned SEM folder.

    Args:
        root: the folder.
        unit: the unit of all stress times; empty where none is written.
        times: the stress times, ascending; label k is ``times[k]``.
        pictures: sorted by file.
        skipped_files: the files that were left out, by reason, as paths below the folder.
        readings: how the names of class folders or the numbers of labels.csv were read.
    """

    root: Path
    unit: str
    times: tuple[float, ...]
    pictures: tuple[Picture, ...]
    skipped_files: Mapping[str, tuple[str, ...]]
    readings: tuple[Reading, ...] = ()

    @property
    def skipped(self) -> dict[str, int]:
        """How many files were left out, by reason."""
        return {reason: len(files) for reason, files in self.skipped_files.items()}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The labels as a reader should see them: ``0 h``, ``2.5 h``."""
        return label_names(self.times, self.unit)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the further columns of labels.csv."""
        return tuple(self.pictures[0].columns)


@dataclasses.dataclass
class _Listing:
    """Every file below the root, sorted into what it can be; paths are relative, with ``/``."""

    labels: Path | None
    pictures: dict[str, list[str]]
    truths: dict[str, list[Path]]
    skipped: dict[str, list[str]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))


def _text(name: str) -> str:
    """A name that can be written as UTF-8, whatever bytes the file system holds."""
    return name.encode(errors="backslashreplace").decode()


def _stem(file: str) -> str:
    return os.path.splitext(file)[0]


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: must be a readable folder. Received: {error.strerror}") from error


def _leaves(root: str, path: str) -> bool:
    """Whether a path is a link to something outside a folder that itself is no link."""
    return os.path.islink(path) and not os.path.join(os.path.realpath(path), "").startswith(os.path.join(root, ""))


def _list_files(root: Path) -> _Listing:
    listing, real = _Listing(None, {}, {}), os.path.realpath(root)
    for folder, names, files in os.walk(root, onerror=_unreadable):
        names.sort()
        where = Path(folder).relative_to(root)
        results = result_folders(Path(folder), names, files, not where.parts)
        listing.skipped[_RESULT] += [(where / name).as_posix() for name in names if name in results]
        names[:] = [name for name in names if name not in results]
        links = [name for name in names if _leaves(real, os.path.join(folder, name))]
        listing.skipped[_LEAVES] += [(where / name).as_posix() for name in links]
        if len(where.parts) >= _DEEPEST and names:
            listing.skipped[f"folder more than {_DEEPEST} levels down"] += [(where / name).as_posix() for name in names]
            names.clear()
        for name in sorted(files):
            file = (where / name).as_posix()
            extension = os.path.splitext(name)[1].lower()
            if where == Path() and name.casefold() == LABELS:
                continue
            if is_clutter(file):
                listing.skipped["hidden or system file"].append(file)
            elif extension not in EXTENSIONS:
                listing.skipped[_NO_PICTURE].append(file)
            elif _leaves(real, os.path.join(folder, name)):
                listing.skipped[_LEAVES].append(file)
            elif where.parts and where.parts[0].casefold() == _TRUTH:
                listing.truths.setdefault(_stem(file.partition("/")[2]), []).append(root / file)
            else:
                listing.pictures.setdefault(where.as_posix(), []).append(file)
    listing.labels = find_labels(root)
    return listing


def _empty_classes(root: Path, listing: _Listing) -> None:
    # A class folder someone forgot to fill would silently change the rank of every later label.
    for entry in sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        empty = entry.casefold() != _TRUTH and entry not in listing.pictures and is_class_name(entry)
        if empty and ((root / entry).is_symlink() or not is_result(root / entry)):
            raise InputError(
                f"{root / entry}: a class folder must hold pictures ({', '.join(EXTENSIONS)}), directly and not "
                "behind a link. Received: none"
            )


def _from_names(root: Path, listing: _Listing) -> list[LabelRow]:
    rows: list[tuple[str, str]] = []
    tops: dict[str, str] = {}
    for folder, files in listing.pictures.items():
        top = folder.partition("/")[0]
        if folder == ".":
            listing.skipped["picture outside a class folder"] += files
            continue
        tops[top] = str(root / top)
        if folder != top:
            listing.skipped["picture in a folder inside a class folder"] += files
            continue
        rows += [(file, top) for file in files]
    by_time = parse_names(tops)
    _empty_classes(root, listing)
    _, values = common_unit(by_time.values())
    seen: dict[float, str] = {}
    for top, value in zip(by_time, values, strict=True):
        if value in seen:
            raise InputError(
                f"{root}: each stress time must have one folder. Received: {seen[value]!r} and {top!r}, both "
                f"t = {time_text(value)}"
            )
        seen[value] = top
    return [LabelRow(file, by_time[top]) for file, top in rows]


def _from_table(listing: _Listing, table: Path) -> list[LabelRow]:
    rows = read_labels(table)
    listed = {row.file for row in rows}
    unlisted = [file for files in listing.pictures.values() for file in files if file not in listed]
    listing.skipped["picture not listed in labels.csv"] += unlisted
    return rows


def _truth_of(file: str, truths: dict[str, list[Path]]) -> Path | None:
    found = truths.get(_stem(file), [])
    for path in found:
        if path.suffix.lower() not in LOSSLESS_EXTENSIONS:
            raise InputError(
                f"{path}: a true mask must be lossless ({', '.join(LOSSLESS_EXTENSIONS)}). Received: {path.suffix}"
            )
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise InputError(f"{found[0].parent}: a picture must have one true mask. Received: {names} for {file}")
    return found[0] if found else None


def _check_text(root: Path, rows: list[LabelRow]) -> None:
    # Linux takes any bytes for a name; a dataset records it as text.
    for row in rows:
        try:
            row.file.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{root}: a picture's path must be text in UTF-8. Received: {row.file!r}") from error


def _forget_sidecars(root: Path, rows: list[LabelRow], listing: _Listing) -> None:
    """Takes the files that were read beside pictures off those that were left out."""
    beside = {os.path.join(root, file) for file in listing.skipped[_NO_PICTURE]}
    folders = {os.path.dirname(file) for file in beside}
    for picture in (root / row.file for row in rows):
        if str(picture.parent) not in folders:
            continue
        read = {os.path.join(picture.parent, path.name) for path in sidecars(picture)} & beside
        if read and sidecar_metadata(picture) is not None:
            beside -= read
    listing.skipped[_NO_PICTURE] = [f for f in listing.skipped[_NO_PICTURE] if os.path.join(root, f) in beside]


def _assemble(root: Path, rows: list[LabelRow], listing: _Listing) -> SemFolder:
    _check_text(root, rows)
    unit, values = common_unit(row.time for row in rows)
    times = tuple(sorted(set(values)))
    if len(times) < 2:
        raise InputError(f"{root}: must hold pictures of at least two stress times. Received: {len(times)}")
    rank = {t: k for k, t in enumerate(times)}
    pictures = [
        Picture(row.file, t, rank[t], row.sheet, row.split, row.pixel_size_nm, row.columns, truth)
        for row, t in zip(rows, values, strict=True)
        for truth in [_truth_of(row.file, listing.truths)]
    ]
    orphans = set(listing.truths) - {_stem(row.file) for row in rows}
    masks = [path.relative_to(root).as_posix() for stem in sorted(orphans) for path in listing.truths[stem]]
    listing.skipped["true mask without a picture"] += masks
    pictures.sort(key=lambda picture: picture.file)
    _forget_sidecars(root, rows, listing)
    skipped = {reason: tuple(map(_text, files)) for reason, files in sorted(listing.skipped.items()) if files}
    return SemFolder(root, unit, times, tuple(pictures), skipped, readings_of(rows, values))


def _sheets_by_name(pictures: Sequence[Picture], pattern: str) -> tuple[Picture, ...]:
    """The pictures with the sheets that a pattern finds in their paths; sheets of labels.csv stay."""
    try:
        # What Python only warns of reads otherwise than it looks.
        with warnings.catch_warnings(action="error"):
            search = re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise SettingError(f"sheet-from must be a regular expression ({error}). Received: {pattern!r}") from error
    if "sheet" not in search.groupindex:
        raise SettingError(f"sheet-from must name the sheet, as in (?P<sheet>S\\d+)_. Received: {pattern!r}")
    named = []
    for picture in pictures:
        found = search.search(picture.file)
        sheet = picture.sheet or (found.group("sheet") if found else "")
        if not sheet:
            raise InputError(f"{picture.file}: sheet-from must find a sheet in every path. Received: {pattern!r}")
        named.append(dataclasses.replace(picture, sheet=sheet))
    return tuple(named)


@one_line_errors()
def scan(folder: str | PathLike[str], sheet_from: str = "") -> SemFolder:
    """Scans a SEM folder without reading its pictures.

    Args:
        folder: ``FOLDER/<class>/<picture>``, one number in each class folder's name, which is the stress time;
            optionally ``labels.csv``, which then is complete and overrules the names, and ``truth/``.
        sheet_from: regular expression with a group ``sheet`` that is looked for in every picture's path.

    Raises:
        InputError: if the folder, a name in it or its labels.csv can't be used, or a path names no sheet.
        SettingError: if `sheet_from` is no regular expression with such a group.
    """
    root = Path(folder)
    if not root.is_dir():
        what = "a file" if root.exists() else "nothing there"
        raise InputError(f"{root}: a SEM folder must be an existing folder. Received: {what}")
    listing = _list_files(root)
    if listing.labels is None and set(listing.pictures) <= {"."}:
        beside = len(listing.pictures.get(".", []))
        raise InputError(
            f"{root}: a SEM folder must hold class folders (t03, 15min, 2.5h) with pictures "
            f"({', '.join(EXTENSIONS)}). Received: "
            + (f"no class folder but pictures ({beside}); the folder above may be meant" if beside else "none")
        )
    rows = _from_names(root, listing) if listing.labels is None else _from_table(listing, listing.labels)
    found = _assemble(root, rows, listing)
    return dataclasses.replace(found, pictures=_sheets_by_name(found.pictures, sheet_from)) if sheet_from else found
