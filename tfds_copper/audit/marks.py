"""Text and marks that an instrument drew over the picture itself, found as ink at the same place of many pictures.

What they say changes from picture to picture, as a date or a counter does; where they stand does not. So each picture
is reduced to the cells in which a stroke begins or ends, and the cells that more pictures share than when each picture
is shifted at random are marks. The shifted pictures have the same texture, so that no surface, however saturated, is
taken for text.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np

from tfds_copper.audit.association import Association, association
from tfds_copper.audit.ink import ink, unpacked
from tfds_copper.audit.mark_content import content_association

__all__ = ["Marks", "Strokes", "find_marks"]

# Fewer pictures of a kind prove nothing: what they share may be chance.
_FEWEST = 4
# Marks are in this share of all pictures, or of those of one label, and in more than any of so many sets of shifts.
_SHARE, _SHIFTS = 0.4, 3
# And in so much of the other pictures beyond: near a border or in a shadow a surface has more strokes than elsewhere.
_BEYOND = 0.25
# Marks have so many cells over so many rows; lines of text this share of the height apart are one.
_LEAST_CELLS, _LEAST_ROWS, _GAP = 12, 3, 0.01
# A cell that is shared over this part of all rows belongs to a frame or a dead column, which is no text.
_FRAME = 0.5
# A picture has the marks where its strokes there are so much of the way from its usual ones to those of surely marked
# pictures: on a bright surface white text has fewer that can be told.
_CARRIED = 1 / 3
# What juts out of the rows that most pictures share (descenders, an outline), of the height of the line; and px.
_JUT, _LEAST_JUT = 0.25, 2
# Pictures whose marks are read again, to see whether they follow t.
_READ = 256


@dataclasses.dataclass(frozen=True)
class Strokes:
    """The strokes of one picture.

    Attributes:
        index: of the picture.
        label: rank of its t.
        unit: what is independent: its sheet where known, else its own name.
        kind: what pictures with the same marks have in common: their size, bar and microscope.
        cells: see `stroke_cells`.
    """

    index: int
    label: int
    unit: str
    kind: tuple[object, ...]
    cells: np.ndarray


@dataclasses.dataclass(frozen=True)
class Marks:
    """Marks at the same rows of pictures of one kind.

    Attributes:
        rows: first and last row of each line, from 0, of the micrograph without information bar.
        carriers: indices of the pictures that have them.
        compared: number of pictures of that kind.
        association: how closely they follow t, by what they say or by which pictures have them; None where not at all.
    """

    rows: tuple[tuple[int, int], ...]
    carriers: tuple[int, ...]
    compared: int
    association: Association | None


def _counts(strokes: Sequence[Strokes], rng: np.random.Generator) -> np.ndarray:
    """How many pictures have a stroke in each cell: as they are, and for each set of shifts, ``(1 + shifts, ...)``."""
    counts: np.ndarray = np.zeros((1 + _SHIFTS, *unpacked(strokes[0].cells).shape), np.int32)
    for one in strokes:
        cells = unpacked(one.cells)
        counts[0] += cells
        for k in range(1, 1 + _SHIFTS):
            counts[k] += np.roll(cells, tuple(rng.integers(cells.shape)), (0, 1))
    return counts


def _shared(counts: np.ndarray, pictures: int) -> np.ndarray:
    """The cells that more pictures share than by chance."""
    by_chance = int(counts[1:].max())
    least = max(_FEWEST, _SHARE * pictures, by_chance + 1, by_chance + _BEYOND * (pictures - by_chance))
    shared: np.ndarray = counts[0] >= least
    return shared


def _shared_cells(strokes: Sequence[Strokes]) -> np.ndarray:
    """The cells that pictures of one kind share, or those of one label among them, ``(height, cells)``."""
    rng, of_label = np.random.default_rng(0), collections.defaultdict(list)
    for one in strokes:
        of_label[one.label].append(one)
    counts = {label: _counts(some, rng) for label, some in of_label.items()}
    shared = _shared(sum(counts.values(), np.zeros(1, np.int32)), len(strokes))
    for label, some in of_label.items():
        shared |= _shared(counts[label], len(some))
    shared[:, shared.mean(axis=0) > _FRAME] = False
    return shared


def _lines(shared: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each line of marks."""
    height, cells = len(shared), shared.sum(axis=1)
    lines: list[tuple[int, int]] = []
    for row in np.flatnonzero(cells).tolist():
        if lines and row - lines[-1][1] <= max(_LEAST_ROWS, _GAP * height):
            lines[-1] = lines[-1][0], row
        else:
            lines.append((row, row))
    return [
        (first, last)
        for first, last in lines
        if last - first + 1 >= _LEAST_ROWS and cells[first : last + 1].sum() >= _LEAST_CELLS
    ]


def _with_what_juts_out(lines: Iterable[tuple[int, int]], height: int) -> tuple[tuple[int, int], ...]:
    """The lines with what juts out of them; those that meet are one."""
    grown: list[tuple[int, int]] = []
    for first, last in lines:
        jut = max(_LEAST_JUT, round(_JUT * (last - first + 1)))
        low, high = max(0, first - jut), min(height - 1, last + jut)
        if grown and low <= grown[-1][1] + 1:
            grown[-1] = grown[-1][0], high
        else:
            grown.append((low, high))
    return tuple(grown)


def _carriers(strokes: Sequence[Strokes], shared: np.ndarray) -> tuple[int, ...]:
    """The pictures that have strokes in many more of the shared cells than elsewhere."""
    within, usual = [], []
    for one in strokes:
        cells = unpacked(one.cells)
        within.append(cells[shared].mean())
        usual.append(cells.mean())
    of_label = collections.defaultdict(list)
    for one, share in zip(strokes, within, strict=True):
        of_label[one.label].append(share)
    surely = max(float(np.quantile(shares, 0.9)) for shares in of_label.values())
    least = np.array(usual) + _CARRIED * (surely - np.array(usual))
    return tuple(one.index for one, share, limit in zip(strokes, within, least, strict=True) if share >= limit)


def _content(
    strokes: Sequence[Strokes], rows: Iterable[tuple[int, int]], load: Callable[[int], np.ndarray]
) -> Association | None:
    """How closely what the marks say follows t, on up to `_READ` pictures, evenly spread."""
    height = len(strokes[0].cells)
    wanted = np.zeros(height, bool)
    for first, last in rows:
        wanted[first : last + 1] = True
    ordered = sorted(strokes, key=lambda one: (one.label, one.unit))
    chosen = [ordered[k] for k in np.unique(np.linspace(0, len(ordered) - 1, _READ).round().astype(int))]
    seen, usual = zip(*(ink(load(one.index), wanted) for one in chosen), strict=True)
    return content_association([c.label for c in chosen], [c.unit for c in chosen], np.array(seen), np.array(usual))


def _closest(found: Iterable[Association | None]) -> Association | None:
    known = [one for one in found if one is not None]
    return max(known, key=lambda one: (one.strong, one.weak, abs(one.strength)), default=None)


def find_marks(
    strokes: Sequence[Strokes], load: Callable[[int], np.ndarray], repeated: Collection[int] = ()
) -> tuple[Marks, ...]:
    """Marks at the same place of the pictures of a folder, by kind of picture.

    Args:
        strokes: of every readable picture.
        load: gives the grey values of a picture again, by its index; called only where there are marks.
        repeated: pictures that show the place of another one, by their indices; they prove nothing.

    Returns:
        One for each kind of picture that has any.
    """
    kinds: dict[tuple[object, ...], list[Strokes]] = collections.defaultdict(list)
    for one in strokes:
        kinds[one.kind].append(one)
    found: list[tuple[list[Strokes], tuple[tuple[int, int], ...], tuple[int, ...]]] = []
    for same in kinds.values():
        fresh = [one for one in same if one.index not in repeated]
        if len(fresh) < _FEWEST:
            continue
        shared = _shared_cells(fresh)
        lines = _lines(shared)
        if lines:
            rows = np.concatenate([np.arange(first, last + 1) for first, last in lines])
            shared[np.setdiff1d(np.arange(len(shared)), rows)] = False
            found.append((same, _with_what_juts_out(lines, len(shared)), _carriers(same, shared)))
    which = {index: str(k) for k, (_, _, carriers) in enumerate(found) for index in carriers}
    presence = association(
        [s.label for s in strokes], [s.unit for s in strokes], [which.get(s.index, "") for s in strokes]
    )
    return tuple(
        Marks(rows, carriers, len(same), _closest([presence, _content(same, rows, load)]))
        for same, rows, carriers in found
    )
