"""Who goes to train, validation and test: by proportions per label, and no split group in two splits."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.labels import HELD_OUT, SPLITS
from tfds_copper.folder.scan import Picture
from tfds_copper.folder.times import time_text
from tfds_copper.settings import Group, setting
from tfds_copper.splits.groups import Link, opened_labels, split_groups
from tfds_copper.splits.optimisation import optimise

__all__ = ["HELD_OUT", "SPLITS", "SplitSettings", "assign", "caveats"]

# Train, validation and test need a fold each.
_FEWEST_FOLDS = 3


@dataclasses.dataclass(frozen=True)
class SplitSettings(Group):
    """How pictures are shared out among train, validation and test."""

    split: str = setting("40/5/5", "proportions of train/validation/test pictures in every label")
    min_sheets: int = setting(1, "fewest whole sheets in each of validation and test, where sheets are known", low=1)
    sheet_from: str = setting("", "regular expression that finds the sheet in a file's path, such as (?P<sheet>S\\d+)_")
    within_sheet: bool = setting(False, "split labels of fewer than three sheets within their sheets")
    folds: int = setting(0, "folds of a cross-validation by sheets, in place of split; 0 for none", low=0, high=100)
    fold: int = setting(0, "the fold that is the test split, from 1; 0: one dataset for each", low=0, high=100)
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
        if 0 < self.folds < _FEWEST_FOLDS:
            raise SettingError(f"folds must be 0 or at least {_FEWEST_FOLDS}. Received: {self.folds}")
        if self.fold > self.folds:
            raise SettingError(f"fold must be at most folds ({self.folds}). Received: {self.fold}")

    @property
    def parts(self) -> tuple[int, int, int]:
        """The three proportions as given, e.g. ``(40, 5, 5)``."""
        train, validation, test = (int(p) for p in self.split.split("/"))
        return train, validation, test

    @property
    def each_fold(self) -> tuple[SplitSettings, ...]:
        """The settings of every dataset asked for: one, or one for each fold."""
        if not self.folds or self.fold:
            return (self,)
        return tuple(dataclasses.replace(self, fold=k) for k in range(1, self.folds + 1))


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


def _counts_of(
    pictures: Sequence[Picture], groups: Mapping[str, str], seed: int
) -> tuple[list[str], list[float], np.ndarray]:
    """The groups in an order that the seed decides, the times, and the pictures of each `(groups, labels)`."""
    times = sorted({p.t for p in pictures})
    names = _order(seed, set(groups.values()))
    row, column = {s: i for i, s in enumerate(names)}, {t: k for k, t in enumerate(times)}
    counts = np.zeros((len(names), len(times)), np.int64)
    for picture in pictures:
        counts[row[groups[picture.file]], column[picture.t]] += 1
    return names, times, counts


def _require_enough(times: Sequence[float], counts: np.ndarray, least: int, what: str, for_each: str) -> None:
    for t, n in zip(times, np.count_nonzero(counts, axis=0), strict=True):
        if n < least:
            hint = "; --within-sheet splits it within its sheets" if what == "sheets" else ""
            raise InputError(
                f"label t = {time_text(t)}: must have pictures of at least {least} {what}, one for each of {for_each}"
                f"{hint}. Received: {n}"
            )


def _group_noun(pictures: Sequence[Picture]) -> str:
    return "sheets" if any(p.sheet for p in pictures) else "different places"


def _by_group(pictures: Sequence[Picture], groups: Mapping[str, str], settings: SplitSettings) -> dict[str, str]:
    names, times, counts = _counts_of(pictures, groups, settings.seed)
    _require_enough(times, counts, len(SPLITS), _group_noun(pictures), ", ".join(SPLITS))
    least = settings.min_sheets if any(p.sheet for p in pictures) else 1
    assignment = optimise(counts, settings.parts, least, settings.seed)
    if assignment is None:
        raise InputError(
            f"sheets: no way was found to give every label a whole sheet in each of {', '.join(SPLITS)} with "
            f"min_sheets {settings.min_sheets}. Received: {len(names)} sheets over {len(times)} labels"
        )
    split_of = {name: SPLITS[k] for name, k in zip(names, assignment, strict=True)}
    return {p.file: split_of[groups[p.file]] for p in pictures}


def _by_fold(pictures: Sequence[Picture], groups: Mapping[str, str], settings: SplitSettings) -> dict[str, str]:
    """Fold `fold` is test, the next one validation, the others train; the same folds whichever is asked for."""
    from sklearn.model_selection import StratifiedGroupKFold

    _, times, counts = _counts_of(pictures, groups, settings.seed)
    _require_enough(times, counts, settings.folds, _group_noun(pictures), f"{settings.folds} folds")
    labels, group_of = [p.label for p in pictures], [groups[p.file] for p in pictures]
    splitter = StratifiedGroupKFold(settings.folds, shuffle=True, random_state=settings.seed)
    split_of = np.zeros(len(pictures), np.int64)
    for k, (_, tested) in enumerate(splitter.split(np.zeros(len(pictures)), labels, group_of), start=1):
        split_of[tested] = k
    held = len(set(zip(split_of.tolist(), labels, strict=True)))
    if held < settings.folds * len(times):
        raise InputError(
            f"folds: every label must have a whole sheet in each of {settings.folds} folds; try fewer. "
            f"Received: {settings.folds * len(times) - held} folds without one"
        )
    split = {settings.fold: "test", settings.fold % settings.folds + 1: "validation"}
    return {p.file: split.get(int(k), "train") for p, k in zip(pictures, split_of, strict=True)}


def _require_no_leaks(pictures: Sequence[Picture], links: Sequence[Link]) -> None:
    split = {p.file: p.split for p in pictures}
    for first, second in links:
        if split[first] != split[second]:
            raise InputError(
                f"labels.csv: pictures of one place must be in one split. Received: {first!r} in {split[first]} and "
                f"{second!r} in {split[second]}, which show the same"
            )


def _as_given(pictures: Sequence[Picture]) -> dict[str, str]:
    missing = [p.file for p in pictures if not p.split]
    if missing:
        raise InputError(
            f"labels.csv: split must be given for every picture or for none. Received: none for {len(missing)} of "
            f"{len(pictures)}, such as {missing[0]!r}"
        )
    split_of: dict[str, str] = {}
    for picture in pictures:
        if picture.sheet and split_of.setdefault(picture.sheet, picture.split) != picture.split:
            raise InputError(
                f"labels.csv: all pictures of a sheet must be in one split. Received: sheet {picture.sheet!r} in "
                f"{split_of[picture.sheet]} and {picture.split}"
            )
    per_split = collections.Counter(p.split for p in pictures)
    trained = {p.t for p in pictures if p.split == "train"}
    for name in SPLITS:
        if not per_split[name]:
            raise InputError(f"labels.csv: every split must have pictures. Received: none in {name}")
    for t in sorted({p.t for p in pictures} - trained):
        raise InputError(f"labels.csv: every label must have pictures in train. Received: none for t = {time_text(t)}")
    return {p.file: p.split for p in pictures}


def assign(pictures: Sequence[Picture], settings: SplitSettings, links: Sequence[Link] = ()) -> dict[str, str]:
    """The split of each picture, by file name.

    Splits given in labels.csv are honoured as they are. Else whole split groups are shared out, see `split_groups`, so
    that every label comes as close to the proportions as they allow; where neither sheets nor links are known, pictures
    are, label by label. Only file names, labels, sheets, links and settings decide, not the order in which pictures
    come.

    Args:
        pictures: of one SEM folder.
        settings: proportions, fewest sheets, folds and seed; of folds, one must be chosen.
        links: pairs of files that show the same place.

    Raises:
        InputError: if a label has too few pictures or sheets, or given splits leak.
        SettingError: if folds are asked for and none is chosen.
    """
    pictures = sorted(pictures, key=lambda picture: picture.file)
    if settings.folds and not settings.fold:
        raise SettingError(f"fold must be chosen, from 1 to {settings.folds}. Received: {settings.fold}")
    if any(p.split for p in pictures):
        if settings.folds:
            raise SettingError(f"folds must be 0 where labels.csv gives splits. Received: {settings.folds}")
        _require_no_leaks(pictures, links)
        return _as_given(pictures)
    groups = split_groups(pictures, links, settings.within_sheet)
    if settings.folds:
        return _by_fold(pictures, groups, settings)
    if links or any(p.sheet for p in pictures):
        return _by_group(pictures, groups, settings)
    return _by_picture(pictures, settings)


def caveats(pictures: Sequence[Picture], settings: SplitSettings) -> tuple[str, ...]:
    """What every result of a dataset with these splits must say; empty where nothing."""
    unknown = sum(not p.sheet for p in pictures)
    if unknown == len(pictures):
        return (
            "No sheets are known: pictures of one sheet may lie in several splits, label and sheet can't be told "
            "apart, and scores may flatter.",
        )
    partly = (
        f"The sheets of {unknown} of {len(pictures)} pictures are unknown: such pictures of one sheet may lie in "
        "several splits, and scores may flatter.",
    )
    return (*(partly if unknown else ()), *_within_sheets(pictures, settings))


def _within_sheets(pictures: Sequence[Picture], settings: SplitSettings) -> tuple[str, ...]:
    """What must be said of labels that are split within their sheets."""
    opened = opened_labels(pictures) if settings.within_sheet and not any(p.split for p in pictures) else []
    if opened:
        times = ", ".join(time_text(t) for t in opened)
        return (
            f"Split within sheets for t = {times}: label and sheet can't be told apart there, and scores may flatter.",
        )
    return ()
