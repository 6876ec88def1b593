"""Reads every picture of a SEM folder once: what it is, and what is needed to judge the set."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tfds_copper.audit.duplicates import DuplicatePair, find_duplicates
from tfds_copper.audit.fingerprints import Fingerprint, fingerprint
from tfds_copper.audit.ink import stroke_cells
from tfds_copper.audit.marks import Marks, Strokes, find_marks
from tfds_copper.errors import InputError
from tfds_copper.folder.scan import Picture, SemFolder
from tfds_copper.micrograph import Bar, Metadata, ReadSettings, read
from tfds_copper.progress import Progress
from tfds_copper.splits.groups import Link
from tfds_copper.threads import map_ahead

__all__ = ["Survey", "SurveyedPicture", "survey_folder"]


@dataclasses.dataclass(frozen=True, eq=False)
class SurveyedPicture:
    """What reading a picture showed; a few kB.

    Args:
        picture: as scanned.
        error: why it can't be read; empty where it can, and then the rest is known.
        shape: height and width of the micrograph without bar, px.
        recorded: height and width of the file's picture, px.
        bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``.
        pixel_size_nm: NaN where unknown.
        mean: mean grey value as a share of the full range.
        contrast: standard deviation of the grey values as a share of the full range.
        black: share of pixels at 0.
        white: share of pixels at the highest value of the range.
        brightest: the largest grey value; 0 where unknown.
        notes: what reading did to it.
        metadata: what the microscope wrote.
        bar: the information bar that was cut off.
        fingerprint: of its pixels; dropped once all pictures have been compared.
        strokes: where strokes may be drawn on it, see `stroke_cells`; dropped as well.
    """

    picture: Picture
    error: str = ""
    shape: tuple[int, int] = (0, 0)
    recorded: tuple[int, int] = (0, 0)
    bit_depth: int = 0
    pixel_size_nm: float = math.nan
    mean: float = math.nan
    contrast: float = math.nan
    black: float = 0.0
    white: float = 0.0
    brightest: int = 0
    notes: tuple[str, ...] = ()
    metadata: Metadata = Metadata()
    bar: Bar | None = None
    fingerprint: Fingerprint | None = None
    strokes: np.ndarray | None = None

    def rows_in_file(self, first: int, last: int) -> tuple[int, int]:
        """Two rows of the micrograph as rows of the file's picture, which has its bar and isn't resampled."""
        above, below = (self.bar.above, self.bar.below) if self.bar else (0, 0)
        scale = (self.recorded[0] - above - below) / self.shape[0]
        return above + math.floor(first * scale), above + math.ceil((last + 1) * scale) - 1


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """What reading all pictures of a folder showed, and which of them show the same place.

    Args:
        folder: as scanned.
        settings: how its pictures were read.
        pictures: one for each picture, in the folder's order.
        duplicates: by indices into `pictures`.
        marks: text and marks that are drawn over pictures, by indices into `pictures`.
    """

    folder: SemFolder
    settings: ReadSettings
    pictures: tuple[SurveyedPicture, ...]
    duplicates: tuple[DuplicatePair, ...]
    marks: tuple[Marks, ...] = ()

    @property
    def links(self) -> list[Link]:
        """The pairs of files that show the same place."""
        return [(self.pictures[a.first].picture.file, self.pictures[a.second].picture.file) for a in self.duplicates]


def _survey_picture(folder: SemFolder, picture: Picture, settings: ReadSettings) -> SurveyedPicture:
    try:
        micrograph = read(folder.root / picture.file, settings, picture.pixel_size_nm)
    except InputError as error:
        return SurveyedPicture(picture, str(error))
    top = 2**micrograph.bit_depth - 1
    return SurveyedPicture(
        picture,
        shape=(micrograph.pixels.shape[0], micrograph.pixels.shape[1]),
        recorded=micrograph.recorded,
        bit_depth=micrograph.bit_depth,
        pixel_size_nm=micrograph.pixel_size_nm,
        mean=float(micrograph.pixels.mean(dtype=np.float64)) / top,
        contrast=float(micrograph.pixels.std(dtype=np.float64)) / top,
        black=float(np.mean(micrograph.pixels == 0)),
        white=float(np.mean(micrograph.pixels == top)),
        brightest=int(micrograph.pixels.max(initial=0)),
        notes=micrograph.notes,
        metadata=micrograph.metadata,
        bar=micrograph.bar,
        fingerprint=fingerprint(micrograph.pixels),
        strokes=stroke_cells(micrograph.pixels),
    )


def _survey_all(folder: SemFolder, settings: ReadSettings, progress: Progress | None) -> Iterator[SurveyedPicture]:
    jobs = map_ahead(lambda picture: _survey_picture(folder, picture, settings), folder.pictures)
    for done, picture in enumerate(jobs, start=1):
        if progress is not None:
            progress(done, len(folder.pictures), "reading pictures")
        yield picture


def _marks(
    pictures: Sequence[SurveyedPicture], duplicates: Iterable[DuplicatePair], load: Callable[[int], np.ndarray]
) -> tuple[Marks, ...]:
    """Marks on pictures; of pictures that show one place only the first counts."""
    strokes = [
        Strokes(
            k, s.picture.label, s.picture.sheet or f"\0{s.picture.file}",
            (s.recorded, s.shape, s.bar, s.metadata.vendor), s.strokes,
        )
        for k, s in enumerate(pictures) if s.strokes is not None
    ]  # fmt: skip
    return find_marks(strokes, load, {pair.second for pair in duplicates})


def survey_folder(folder: SemFolder, settings: ReadSettings | None = None, progress: Progress | None = None) -> Survey:
    """Reads every picture once; those that can't be read are recorded, not raised.

    Args:
        folder: a scanned folder.
        settings: how pictures are read; the defaults where None.
        progress: called with (done, total, what).
    """
    settings = settings or ReadSettings()
    pictures = tuple(_survey_all(folder, settings, progress))
    readable = [i for i, s in enumerate(pictures) if s.fingerprint is not None]

    def load(index: int) -> np.ndarray:
        picture = pictures[index].picture
        return read(folder.root / picture.file, settings, picture.pixel_size_nm).pixels

    def report(done: int, total: int) -> None:
        if progress is not None:
            progress(done, total, "comparing pictures")

    fingerprints = [p for s in pictures if (p := s.fingerprint) is not None]
    alike = find_duplicates(fingerprints, lambda k: load(readable[k]), report)
    duplicates = tuple(dataclasses.replace(a, first=readable[a.first], second=readable[a.second]) for a in alike)
    marks = _marks(pictures, duplicates, load)
    # These have done their work; kept, they would be most of what a long build holds.
    kept = (dataclasses.replace(s, fingerprint=None, strokes=None) for s in pictures)
    return Survey(folder, settings, tuple(kept), duplicates, marks)
