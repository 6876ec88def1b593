"""TensorFlow's best-fit allocator with coalescing, on paper: how many bytes a row of tensors touches.

TensorFlow takes memory in regions that double, cuts tensors out of them and never gives a region back. What a process
holds in the end is therefore more than what is alive at once: a free piece less than twice as large as a tensor is
given to it whole, and a region's rest is often too small for the next one. Rules and constants are those of
``xla/tsl/framework/bfc_allocator.cc``.
"""

from __future__ import annotations

import bisect
import dataclasses

__all__ = ["SMALL", "Allocator"]

# Bytes: tensors below this size come from the C library's heap (mkl_cpu_allocator.h).
SMALL = 1 << 18
_FIRST_REGION = 2 << 20
_GRAIN = 256
_BINS = 21
# A piece is cut where this much would be left over, even if it is less than twice as large as asked.
_WASTE = 128 << 20


@dataclasses.dataclass(eq=False)
class _Region:
    """A stretch of memory, and the parts of it that were ever written: only those are resident.

    Parts are (start, end), sorted and apart from each other.
    """

    number: int
    parts: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def write(self, start: int, end: int) -> None:
        """Adds a part."""
        joined = [part for part in self.parts if part[0] <= end and part[1] >= start]
        rest = [part for part in self.parts if part[0] > end or part[1] < start]
        low, high = (min(start, *(p[0] for p in joined)), max(end, *(p[1] for p in joined))) if joined else (start, end)
        self.parts = sorted([*rest, (low, high)])

    @property
    def touched(self) -> int:
        return sum(end - start for start, end in self.parts)


@dataclasses.dataclass(eq=False)
class _Chunk:
    """A piece of a region; `before` and `after` are its neighbours there."""

    region: _Region
    start: int
    size: int
    before: _Chunk | None = None
    after: _Chunk | None = None
    taken: bool = False

    @property
    def key(self) -> tuple[int, int, int]:
        return self.size, self.region.number, self.start


def _bin(size: int) -> int:
    return min(_BINS - 1, (max(size, _GRAIN) // _GRAIN).bit_length() - 1)


class Allocator:
    """Takes and gives back pieces of memory as TensorFlow does.

    Attributes:
        small: bytes of the tensors in use that are too small for a region.
    """

    def __init__(self) -> None:
        self._next_region = _FIRST_REGION
        self._regions: list[_Region] = []
        self._free: list[list[tuple[tuple[int, int, int], _Chunk]]] = [[] for _ in range(_BINS)]
        self._taken: dict[int, _Chunk] = {}
        self.small = 0
        self._most_small = 0

    @property
    def touched(self) -> int:
        """Bytes that were ever written: what is resident in the end."""
        return self._most_small + sum(region.touched for region in self._regions)

    def take(self, name: int, size: int) -> None:
        """A tensor comes to be.

        Args:
            name: any number that no other living tensor has.
            size: in bytes.
        """
        if size < SMALL:
            self.small += size
            self._most_small = max(self._most_small, self.small)
            return
        rounded = -(-size // _GRAIN) * _GRAIN
        chunk = self._found(rounded)
        if chunk is None:
            self._extend(rounded)
            chunk = self._found(rounded)
        assert chunk is not None
        chunk.region.write(chunk.start, chunk.start + size)
        self._taken[name] = chunk

    def give(self, name: int, size: int) -> None:
        """A tensor is gone.

        Args:
            name: as it was taken.
            size: as it was taken, in bytes.
        """
        if size < SMALL:
            self.small -= size
            return
        chunk = self._taken.pop(name)
        chunk.taken = False
        if chunk.after and not chunk.after.taken:
            self._remove(chunk.after)
            self._merge(chunk, chunk.after)
        if chunk.before and not chunk.before.taken:
            self._remove(chunk.before)
            chunk = self._merge(chunk.before, chunk)
        self._insert(chunk)

    def _found(self, size: int) -> _Chunk | None:
        """The smallest free piece that is large enough, cut where that is worth it."""
        for row in self._free[_bin(size) :]:
            place = bisect.bisect_left(row, (size, -1, -1), key=lambda pair: pair[0])
            if place == len(row):
                continue
            chunk = row.pop(place)[1]
            if chunk.size >= 2 * size or chunk.size - size >= _WASTE:
                rest = _Chunk(chunk.region, chunk.start + size, chunk.size - size, chunk, chunk.after)
                if chunk.after:
                    chunk.after.before = rest
                chunk.after, chunk.size = rest, size
                self._insert(rest)
            chunk.taken = True
            return chunk
        return None

    def _extend(self, size: int) -> None:
        doubled = size > self._next_region
        while size > self._next_region:
            self._next_region *= 2
        self._regions.append(_Region(len(self._regions)))
        self._insert(_Chunk(self._regions[-1], 0, self._next_region))
        if not doubled:
            self._next_region *= 2

    @staticmethod
    def _merge(first: _Chunk, second: _Chunk) -> _Chunk:
        first.size += second.size
        first.after = second.after
        if second.after:
            second.after.before = first
        return first

    def _insert(self, chunk: _Chunk) -> None:
        bisect.insort(self._free[_bin(chunk.size)], (chunk.key, chunk), key=lambda pair: pair[0])

    def _remove(self, chunk: _Chunk) -> None:
        row = self._free[_bin(chunk.size)]
        row.pop(bisect.bisect_left(row, chunk.key, key=lambda pair: pair[0]))
