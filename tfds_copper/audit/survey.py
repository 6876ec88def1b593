"""One look at every picture of a SEM folder: what it is, and what is needed to judge the set."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tfds_copper.audit.duplicates import Likeness, find_likenesses
from tfds_copper.audit.fingerprints import Print, print_of
from tfds_copper.errors import InputError
from tfds_copper.folder.scan import Picture, SemFolder
from tfds_copper.micrograph import Bar, Metadata, ReadSettings, read
from tfds_copper.progress import Progress
from tfds_copper.splits.groups import Link

__all__ = ["Progress", "Seen", "Survey", "survey"]


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What one look at a picture showed; a few kB.

    Args:
        picture: as scanned.
        error: why it can't be read; empty where it can, and then the rest is known.
        shape: height and width of the micrograph without bar, px.
        recorded: height and width of the file's picture, px.
        bit_depth: 8 or 16.
        pixel_size_nm: NaN where unknown.
        mean: mean grey value as a share of the full range.
        contrast: standard deviation of the grey values as a share of the full range.
        black: share of pixels at 0.
        white: share of pixels at the highest value of the range.
        notes: what reading did to it.
        metadata: what the microscope wrote.
        bar: the information bar that was cut off.
        print: what it is recognised by; dropped once all pictures have been compared.
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
    notes: tuple[str, ...] = ()
    metadata: Metadata = Metadata()
    bar: Bar | None = None
    print: Print | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """All looks at the pictures of a folder, and which of them show the same place.

    Args:
        folder: as scanned.
        settings: how its pictures were read.
        seen: one for each picture, in the folder's order.
        likenesses: by indices into `seen`.
    """

    folder: SemFolder
    settings: ReadSettings
    seen: tuple[Seen, ...]
    likenesses: tuple[Likeness, ...]

    @property
    def links(self) -> list[Link]:
        """The pairs of files that show the same place."""
        return [(self.seen[a.first].picture.file, self.seen[a.second].picture.file) for a in self.likenesses]


def _look(folder: SemFolder, picture: Picture, settings: ReadSettings) -> Seen:
    try:
        found = read(folder.root / picture.file, settings, picture.pixel_size_nm)
    except InputError as error:
        return Seen(picture, str(error))
    top = 2**found.bit_depth - 1
    return Seen(
        picture,
        shape=(found.pixels.shape[0], found.pixels.shape[1]),
        recorded=found.recorded,
        bit_depth=found.bit_depth,
        pixel_size_nm=found.pixel_size_nm,
        mean=float(found.pixels.mean(dtype=np.float64)) / top,
        contrast=float(found.pixels.std(dtype=np.float64)) / top,
        black=float(np.mean(found.pixels == 0)),
        white=float(np.mean(found.pixels == top)),
        notes=found.notes,
        metadata=found.metadata,
        bar=found.bar,
        print=print_of(found.pixels),
    )


def _looks(folder: SemFolder, settings: ReadSettings, progress: Progress | None) -> Iterator[Seen]:
    # Decoders and filters let other threads run; more threads than this only hold more pictures at once.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = pool.map(lambda picture: _look(folder, picture, settings), folder.pictures)
        for done, seen in enumerate(jobs, start=1):
            if progress is not None:
                progress(done, len(folder.pictures), "looking at pictures")
            yield seen


def survey(folder: SemFolder, settings: ReadSettings | None = None, progress: Progress | None = None) -> Survey:
    """Looks once at every picture; those that can't be read are told of, not raised.

    Args:
        folder: a scanned folder.
        settings: how pictures are read; the defaults where None.
        progress: called with (done, total, what).
    """
    settings = settings or ReadSettings()
    seen = tuple(_looks(folder, settings, progress))
    readable = [i for i, s in enumerate(seen) if s.print is not None]

    def load(k: int) -> np.ndarray:
        picture = seen[readable[k]].picture
        return read(folder.root / picture.file, settings, picture.pixel_size_nm).pixels

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(done, total, "comparing pictures")

    prints = [p for s in seen if (p := s.print) is not None]
    alike = find_likenesses(prints, load, tell)
    mapped = (dataclasses.replace(a, first=readable[a.first], second=readable[a.second]) for a in alike)
    # The prints have done their work; kept, they would be most of what a long build holds.
    return Survey(folder, settings, tuple(dataclasses.replace(s, print=None) for s in seen), tuple(mapped))
