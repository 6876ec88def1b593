"""Who goes to train, validation and test: by proportions per label, and never one sheet in two splits."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder import Picture
from tfds_copper.labels import SPLITS
from tfds_copper.settings import Group, setting
from tfds_copper.sheets import assign_sheets
from tfds_copper.times import time_text

__all__ = ["SPLITS", "SplitSettings", "assign"]


@dataclasses.dataclass(frozen=True)
class SplitSettings(Group):
    """How pictures are shared out among train, validation and test."""

    split: str = setting("40/5/5", "proportions of train/validation/test pictures in every label")
    min_sheets: int = setting(1, "fewest whole sheets in each of validation and test, where sheets are known", low=1)
    seed: int = setting(0, "seed of the choice of pictures or sheets", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = self.split.split("/")
        if len(parts) != 3 or not all(p.strip().isdecimal() and 0 < int(p) <= 10**6 for p in parts):
            raise SettingError(
                "split must be three whole numbers above 0, train/validation/test, such as 40/5/5. "
                f"Received: {self.split!r}"
            )
        object.__setattr__(self, "split", "/".join(str(int(p)) for p in parts))

    @property
    def parts(self) -> tuple[int, int, int]:
        """The three proportions as given, e.g. ``(40, 5, 5)``."""
        train, validation, test = (int(p) for p in self.split.split("/"))
        return train, validation, test


def _order(seed: int, names: Iterable[str]) -> list[str]:
    # A hash of each name: neither scan order nor platform nor the other names can change who comes first.
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def _counts(total: int, parts: Sequence[int]) -> list[int]:
    """Largest remainder rounding of `total` by `parts`, at least 1 each."""
    whole = [total * part // sum(parts) for part in parts]
    rest = [total * part % sum(parts) for part in parts]
    for k in sorted(range(len(parts)), key=lambda k: -rest[k])[: total - sum(whole)]:
        whole[k] += 1
    while 0 in whole:
        whole[whole.index(max(whole))] -= 1
        whole[whole.index(0)] += 1
    return whole


def _by_picture(pictures: Sequence[Picture], settings: SplitSettings) -> dict[str, str]:
    labels: dict[float, list[str]] = {}
    for picture in pictures:
        labels.setdefault(picture.t, []).append(picture.file)
    chosen: dict[str, str] = {}
    for t, files in sorted(labels.items()):
        if len(files) < len(SPLITS):
            raise InputError(
                f"label t = {time_text(t)}: must have at least 3 pictures, one for each of {', '.join(SPLITS)}. "
                f"Received: {len(files)}"
            )
        names = [s for s, n in zip(SPLITS, _counts(len(files), settings.parts), strict=True) for _ in range(n)]
        chosen |= dict(zip(_order(settings.seed, files), names, strict=True))
    return chosen


def _sheet_key(picture: Picture) -> str:
    # A picture of unknown sheet counts as a sheet of its own; \0 can't occur in a sheet's name.
    return picture.sheet or f"\0{picture.file}"


def _by_sheet(pictures: Sequence[Picture], settings: SplitSettings) -> dict[str, str]:
    times = sorted({p.t for p in pictures})
    sheets = _order(settings.seed, {_sheet_key(p) for p in pictures})
    row, column = {s: i for i, s in enumerate(sheets)}, {t: k for k, t in enumerate(times)}
    counts = np.zeros((len(sheets), len(times)), np.int64)
    for picture in pictures:
        counts[row[_sheet_key(picture)], column[picture.t]] += 1
    for t, n in zip(times, np.count_nonzero(counts, axis=0), strict=True):
        if n < len(SPLITS):
            raise InputError(
                f"label t = {time_text(t)}: must have pictures of at least 3 sheets, one for each of "
                f"{', '.join(SPLITS)}. Received: {n}"
            )
    where = assign_sheets(counts, settings.parts, settings.min_sheets, settings.seed)
    if where is None:
        raise InputError(
            f"sheets: no way was found to give every label a whole sheet in each of {', '.join(SPLITS)} with "
            f"min_sheets {settings.min_sheets}. Received: {len(sheets)} sheets over {len(times)} labels"
        )
    return {p.file: SPLITS[where[row[_sheet_key(p)]]] for p in pictures}


def _as_given(pictures: Sequence[Picture]) -> dict[str, str]:
    missing = [p.file for p in pictures if not p.split]
    if missing:
        raise InputError(
            f"labels.csv: split must be given for every picture or for none. Received: none for {len(missing)} of "
            f"{len(pictures)}, such as {missing[0]!r}"
        )
    home: dict[str, str] = {}
    for picture in pictures:
        if picture.sheet and home.setdefault(picture.sheet, picture.split) != picture.split:
            raise InputError(
                f"labels.csv: all pictures of a sheet must be in one split. Received: sheet {picture.sheet!r} in "
                f"{home[picture.sheet]} and {picture.split}"
            )
    per_split = collections.Counter(p.split for p in pictures)
    trained = {p.t for p in pictures if p.split == "train"}
    for name in SPLITS:
        if not per_split[name]:
            raise InputError(f"labels.csv: every split must have pictures. Received: none in {name}")
    for t in sorted({p.t for p in pictures} - trained):
        raise InputError(f"labels.csv: every label must have pictures in train. Received: none for t = {time_text(t)}")
    return {p.file: p.split for p in pictures}


def assign(pictures: Sequence[Picture], settings: SplitSettings) -> dict[str, str]:
    """The split of each picture, by file name.

    Splits given in labels.csv are honoured as they are. Where sheets are known, whole sheets are shared out so
    that every label comes as close to the proportions as whole sheets allow; else pictures are, label by label.
    Only file names, labels, sheets and settings decide, not the order in which pictures come.

    Args:
        pictures: of one SEM folder.
        settings: proportions, fewest sheets and seed.

    Raises:
        InputError: if a label has too few pictures or sheets, or given splits leak.
    """
    pictures = sorted(pictures, key=lambda picture: picture.file)
    if any(p.split for p in pictures):
        return _as_given(pictures)
    return _by_sheet(pictures, settings) if any(p.sheet for p in pictures) else _by_picture(pictures, settings)
