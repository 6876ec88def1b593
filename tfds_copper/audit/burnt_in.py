"""Text and marks burnt into the pictures of a folder, in the rows of their files, and what cuts them off."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tfds_copper.audit.association import Association
from tfds_copper.audit.survey import Survey, SurveyedPicture

__all__ = ["BurntIn", "burnt_in", "rows_text"]


@dataclasses.dataclass(frozen=True)
class BurntIn:
    """Text or marks at the same rows of pictures of one size and microscope.

    Attributes:
        rows: first and last row of each line, from 0, in the picture of the file, bar included.
        height: of that picture, px.
        files: the pictures that carry them.
        compared: number of pictures of that size and microscope.
        association: how closely they follow t; None where not at all.
        bar: the value of the setting ``bar`` that cuts them and all information bars off all pictures of the folder.
        left: rows that are left of a picture then.
    """

    rows: tuple[tuple[int, int], ...]
    height: int
    files: tuple[str, ...]
    compared: int
    association: Association | None
    bar: str
    left: int


def rows_text(rows: tuple[tuple[int, int], ...]) -> str:
    """Lines as text: ``268-299``, or ``2-20, 268-299``."""
    return ", ".join(f"{first}-{last}" for first, last in rows)


def _clear(rows: tuple[tuple[int, int], ...], picture: SurveyedPicture) -> tuple[int, int]:
    """Rows to cut off the top and off the bottom, so that the widest part without marks is left."""
    height = picture.recorded[0]
    above, below = (picture.bar.above, picture.bar.below) if picture.bar else (0, 0)
    starts = [above, *(last + 1 for _, last in rows)]
    stops = [*(first for first, _ in rows), height - below]
    start, stop = max(zip(starts, stops, strict=True), key=lambda part: part[1] - part[0])
    return start, height - stop


def burnt_in(survey: Survey) -> tuple[BurntIn, ...]:
    """The marks of a folder, one for each size and microscope that has any.

    Args:
        survey: of the folder.
    """

    def cuts() -> Iterator[tuple[int, int]]:
        yield from (_clear(rows, example) for _, example, rows in found)
        yield from ((s.bar.above, s.bar.below) for s in survey.pictures if s.bar)

    found = []
    for marks in survey.marks:
        example = survey.pictures[marks.carriers[0]]
        found.append((marks, example, tuple(example.rows_in_file(*line) for line in marks.rows)))
    if not found:
        return ()
    above, below = (max(side) for side in zip(*cuts(), strict=True))
    bar = f"{above}/{below}" if above else str(below)
    return tuple(
        BurntIn(
            rows=rows,
            height=example.recorded[0],
            files=tuple(survey.pictures[k].picture.file for k in marks.carriers),
            compared=marks.compared,
            association=marks.association,
            bar=bar,
            left=max(0, example.recorded[0] - above - below),
        )
        for marks, example, rows in found
    )
