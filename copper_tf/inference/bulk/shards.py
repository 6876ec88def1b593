"""Which pictures there are, in folders and buckets, and how they are cut into shards."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import logging
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from copper_tf.inference.inputs import Named, Source, distinct, sorted_names, sources_below
from copper_tf.utils.tensorflow import quiet
from tfds_copper.errors import InputError, OutputError
from tfds_copper.files import parsed_json, replacing
from tfds_copper.micrograph import EXTENSIONS
from tfds_copper.micrograph.vendors.sidecar import sidecar_names

__all__ = ["ListedPicture", "Shard", "cut_shards", "import_beam", "in_bucket", "list_pictures", "pictures_of"]

_WILD = "*?["


@dataclasses.dataclass(frozen=True)
class ListedPicture(Named):
    """One picture of the list.

    Attributes:
        path: its file, absolute, or its address in a bucket.
        sheet: "" where unknown.
        pixel_size_nm: from labels.csv; None where not given.
        size: in bytes; -1 where there is no such file.
        changed: when it was last changed, in seconds since 1970.
        beside: addresses of what a microscope may have written beside a picture in a bucket.
    """

    path: str
    sheet: str = ""
    pixel_size_nm: float | None = None
    size: int = -1
    changed: float = 0.0
    beside: tuple[str, ...] = ()

    def source(self, path: Path) -> Source:
        """The picture where it can be opened."""
        size = math.nan if self.pixel_size_nm is None else self.pixel_size_nm
        return Source(path, self.name, self.sheet, size, twin=self.twin)


@dataclasses.dataclass(frozen=True)
class Shard:
    """Some pictures of the list: where they stand in its file, since a list may be long and a worker needs few of it.

    Attributes:
        index: its place among the shards, from 0.
        digest: of all that is known of its pictures.
        start: byte in the file of the list.
        length: in bytes.
        count: of its pictures.
    """

    index: int
    digest: str
    start: int
    length: int
    count: int

    @property
    def part(self) -> str:
        """Name of the part of the table that it gives; it changes with anything that is known of the pictures."""
        return f"{self.index:06d}-{self.digest}.json"

    def __len__(self) -> int:
        return self.count


def import_beam() -> None:
    """The slow import, without its warnings about packages for clouds that aren't installed."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        # It imports TensorFlow.
        with quiet():
            import apache_beam  # noqa: F401
    finally:
        logging.disable(before)


def in_bucket(path: str) -> bool:
    """Whether it is an address with a scheme, such as ``gs://``, which only Beam's file systems open."""
    return "://" in path


def _is_pattern(place: str) -> bool:
    return in_bucket(place) or (any(mark in place for mark in _WILD) and not os.path.exists(place))


def _pictures_of_pattern(place: str) -> Iterator[ListedPicture]:
    """The pictures of a pattern, or below a folder of a bucket, named by their path below it."""
    import_beam()
    from apache_beam.io.filesystems import FileSystems

    pattern = place if any(mark in place for mark in _WILD) else f"{place.rstrip('/')}/**"
    first = min(pattern.index(mark) for mark in _WILD if mark in pattern)
    base = pattern[: pattern.rindex("/", 0, first) + 1] if "/" in pattern[:first] else ""
    try:
        matches = FileSystems.match([pattern])[0].metadata_list
    # Whatever a file system objects to: no such bucket, no permission, its package isn't installed.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{place}: a folder or pattern that can be listed is needed. Received: {reason}") from error
    files = {one.path[len(base) :]: one for one in matches}
    names = sorted_names(name for name in files if PurePosixPath(name).suffix.lower() in EXTENSIONS)
    if not names:
        raise InputError(f"{place}: must hold pictures ({', '.join(sorted(EXTENSIONS))}). Received: none")
    for name in names:
        of: Any = files[name]
        path = of.path if in_bucket(of.path) else os.path.abspath(of.path)
        folder = PurePosixPath(name).parent
        texts = (files.get((folder / text).as_posix()) for text in sidecar_names(PurePosixPath(name)))
        beside = tuple(text.path for text in texts if text) if in_bucket(path) else ()
        yield ListedPicture(path, name, size=of.size_in_bytes, changed=of.last_updated_in_seconds or 0.0, beside=beside)


def _pictures_on_disk(place: str) -> Iterator[ListedPicture]:
    for source in sources_below(Path(place)):
        path = os.path.abspath(source.path)
        size = None if math.isnan(source.pixel_size_nm) else source.pixel_size_nm
        try:
            about = os.stat(path)
        except OSError:
            # Opening it says what is wrong.
            yield ListedPicture(path, source.name, source.sheet, size)
            continue
        yield ListedPicture(path, source.name, source.sheet, size, about.st_size, about.st_mtime)


def list_pictures(places: Iterable[str], sheet: str = "") -> Iterator[ListedPicture]:
    """All pictures, in the order of their names place by place.

    Args:
        places: files and folders, and patterns or folders of buckets for Beam's file systems.
        sheet: what they are all of; "" keeps what labels.csv says.

    Raises:
        InputError: if a place is missing, can't be listed, or holds no picture.
        SettingError: if two pictures have one name.
    """
    kept = tuple(places)

    def listed() -> Iterator[ListedPicture]:
        for place in kept:
            yield from _pictures_of_pattern(place) if _is_pattern(place) else _pictures_on_disk(place)

    for picture in distinct(listed):
        yield dataclasses.replace(picture, sheet=sheet or picture.sheet)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def cut_shards(pictures: Iterable[ListedPicture], size: int, file: Path) -> list[Shard]:
    """Writes the list and cuts it into shards.

    Args:
        pictures: the list.
        size: pictures in a shard; the last may have fewer.
        file: where the list goes, one picture in a line.
    """
    lines = (f"{json.dumps(dataclasses.asdict(picture))}\n" for picture in pictures)
    shards: list[Shard] = []
    with replacing(file) as temporary, temporary.open("wb") as stream:
        while some := list(itertools.islice(lines, size)):
            text, start = "".join(some).encode(), stream.tell()
            stream.write(text)
            shards.append(Shard(len(shards), _digest(text), start, len(text), len(some)))
    return shards


def pictures_of(shard: Shard, file: Path) -> Iterator[ListedPicture]:
    """The pictures of a shard, in order.

    Args:
        shard: one that `cut_shards` gave.
        file: the list that it wrote.

    Raises:
        OutputError: if the file is another list by now.
    """
    with file.open("rb") as stream:
        stream.seek(shard.start)
        text = stream.read(shard.length)
    if _digest(text) != shard.digest:
        raise OutputError(f"{file}: must be the list that the shards were cut from. Received: another")
    for line in text.splitlines():
        values = parsed_json(line)
        yield ListedPicture(**values | {"beside": tuple(values["beside"])})
