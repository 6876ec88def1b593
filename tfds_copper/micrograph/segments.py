"""Rectangles of a TIFF page without the rest of it: the strips or tiles that they lie on, decoded when needed."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np

__all__ = ["KEPT", "Segments"]

# Bytes of decoded strips and tiles that are kept for the next rectangle; those of the last one are kept in any case.
KEPT = 2**25
# Bytes of a strip that is cut from a page without compression, however its own strips lie.
_STRIP = 2**20
_JPEGS = (6, 7)


class Segments:
    """A page that is read by rectangles.

    Args:
        page: a page of `tifffile` with one plane in depth, of an open file.
    """

    def __init__(self, page: Any) -> None:
        self._page, self._kept, self._bytes = page, OrderedDict[int, np.ndarray](), 0
        self._planes, _, self.height, self.width, self._samples = page.shaped
        # What lies in the file as it is needs no whole strips: ImageJ writes a picture as one.
        self._plain = page.is_final and not page.is_tiled
        if self._plain:
            row = self.width * self._samples * page.dtype.itemsize
            self._side = min(self.height, max(1, _STRIP // row)), self.width
        elif page.is_tiled:
            self._side = page.tilelength, page.tilewidth
        else:
            self._side = min(page.rowsperstrip, self.height), self.width
        self._across = math.ceil(self.width / self._side[1])
        self._down = math.ceil(self.height / self._side[0])

    @property
    def largest(self) -> int:
        """Bytes of a decoded strip or tile."""
        return int(self._side[0] * self._side[1] * self._samples * self._page.dtype.itemsize)

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """The samples of a rectangle as stored, ``(height, width)`` or ``(height, width, channels)``.

        Args:
            rows: from start to stop, within the page.
            columns: the same.
        """
        high, wide = self._side
        shape = (rows.stop - rows.start, columns.stop - columns.start, self._planes, self._samples)
        values, used = np.empty(shape, self._page.dtype), 0
        for plane in range(self._planes):
            for row in range(rows.start // high, math.ceil(rows.stop / high)):
                for column in range(columns.start // wide, math.ceil(columns.stop / wide)):
                    part = self._segment((plane * self._down + row) * self._across + column)
                    self._lay(values[:, :, plane], part, (row * high - rows.start, column * wide - columns.start))
                    used += part.nbytes
        while self._bytes > max(KEPT, used):
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        values = values.reshape(*shape[:2], -1)
        return values if self._page.ndim == 3 else values[..., 0]

    @staticmethod
    def _lay(values: np.ndarray, part: np.ndarray, corner: tuple[int, int]) -> None:
        """Lays a part on to the rectangle, its upper left corner at `corner`; what goes beyond is cut off."""
        here, there = [], []
        for first, own, all_ in zip(corner, part.shape, values.shape, strict=False):
            here.append(slice(max(0, first), min(all_, first + own)))
            there.append(slice(max(0, -first), min(all_, first + own) - first))
        values[tuple(here)] = part[tuple(there)]

    def _segment(self, index: int) -> np.ndarray:
        """One strip or tile, ``(height, width, samples)``."""
        found = self._kept.pop(index, None)
        if found is None:
            found = self._strip(index) if self._plain else self._decoded(index)
            self._bytes += found.nbytes
        self._kept[index] = found
        return found

    def _bytes_at(self, offset: int, count: int) -> bytes:
        stream = self._page.parent.filehandle
        stream.seek(offset)
        data: bytes = stream.read(count)
        if len(data) != count:
            raise ValueError(f"{count} bytes are needed at {offset}, {len(data)} are there")
        return data

    def _strip(self, index: int) -> np.ndarray:
        plane, strip = divmod(index, self._down)
        first = strip * self._side[0]
        count = min(self._side[0], self.height - first)
        row = self.width * self._samples
        kind = np.dtype(self._page.dtype).newbyteorder(self._page.parent.byteorder)
        offset = self._page.dataoffsets[0] + (plane * self.height + first) * row * kind.itemsize
        values = np.frombuffer(self._bytes_at(offset, count * row * kind.itemsize), kind)
        return values.reshape(count, self.width, self._samples)

    def _decoded(self, index: int) -> np.ndarray:
        page = self._page
        data = self._bytes_at(page.dataoffsets[index], page.databytecounts[index])
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if page.compression in _JPEGS else {}
        values, _, _ = page.decode(data, index, **tables)
        # Without the axis of depth; a copy, since a view would keep more than is counted.
        return np.ascontiguousarray(values[0])
