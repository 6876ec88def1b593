"""What must stay together: the pictures of one sheet, and pictures that show the same place."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from tfds_copper.folder.scan import Picture

__all__ = ["FEWEST_SHEETS", "Link", "opened_labels", "split_groups"]

Link = tuple[str, str]

# One each for train, validation and test.
FEWEST_SHEETS = 3


def opened_labels(pictures: Sequence[Picture]) -> list[float]:
    """The times that have fewer sheets than splits, and so can only be split within them."""
    sheets: dict[float, set[str]] = collections.defaultdict(set)
    for picture in pictures:
        # A picture of unknown sheet counts as a sheet of its own.
        sheets[picture.t].add(picture.sheet or f"\0{picture.file}")
    return sorted(t for t, names in sheets.items() if len(names) < FEWEST_SHEETS)


def split_groups(pictures: Sequence[Picture], links: Sequence[Link], within_sheet: bool = False) -> dict[str, str]:
    """The split group of each picture, by file: pictures of one group never lie in two splits.

    Args:
        pictures: of one SEM folder.
        links: pairs of files that show the same place, whatever their sheets and labels.
        within_sheet: take the sheets of labels that have fewer than three of them apart, into single pictures.

    Returns:
        For each file the name of its group: its sheet, ``\\0`` and its own name where no sheet is known, or the
        first of those that links connect.
    """
    # Its import takes longer than all others of reading a folder.
    from scipy.cluster.hierarchy import DisjointSet

    pictures = sorted(pictures, key=lambda picture: picture.file)
    opened = set(opened_labels(pictures)) if within_sheet else set()
    apart = {p.sheet for p in pictures if p.t in opened}
    # \0 can't occur in a sheet's name.
    keys = [p.sheet if p.sheet and p.sheet not in apart else f"\0{p.file}" for p in pictures]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    place = {p.file: i for i, p in enumerate(pictures)}
    together = DisjointSet(range(len(pictures)))
    for i, key in enumerate(keys):
        together.merge(i, first[key])
    for a, b in links:
        together.merge(place[a], place[b])
    names = {i: keys[min(subset)] for subset in together.subsets() for i in subset}
    return {p.file: names[i] for i, p in enumerate(pictures)}
