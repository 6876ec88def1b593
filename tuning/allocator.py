"""TensorFlow's best-fit allocator with coalescing, on paper: how many bytes a sequence of tensors touches.

TensorFlow takes memory in regions that double, cuts tensors out of them and never gives a region back. What a process
holds in the end is therefore more than what is alive at once: a free piece less than twice as large as a tensor is
given to it whole, and a region's rest is often too small for the next one. Rules and constants are those of
``xla/tsl/framework/bfc_allocator.cc``.
"""

from __future__ import annotations

import bisect

__all__ = ["SMALL", "Allocator"]

# Bytes: tensors below this size come from the C library's heap (mkl_cpu_allocator.h).
SMALL = 1 << 18
_FIRST_REGION = 2 << 20
_GRAIN = 256
# A piece is cut where this much would be left over, even if it is less than twice as large as asked.
_WASTE = 128 << 20


class Allocator:
    """Takes and gives back pieces of memory as TensorFlow does. Regions lie at rising addresses, with gaps between."""

    def __init__(self) -> None:
        self._next_region, self._end = _FIRST_REGION, 0
        # Free pieces as (size, address), sorted; sizes by first and by last address.
        self._free: list[tuple[int, int]] = []
        self._by_start: dict[int, int] = {}
        self._by_end: dict[int, int] = {}
        self._taken: dict[int, tuple[int, int]] = {}
        self._written: set[tuple[int, int]] = set()
        self._small, self._most_small = 0, 0

    @property
    def touched(self) -> int:
        """Bytes that were ever written: what is resident in the end."""
        total, end = self._most_small, 0
        for start, stop in sorted(self._written):
            total += max(0, stop - max(start, end))
            end = max(end, stop)
        return total

    def take(self, number: int, size: int) -> None:
        """A tensor comes.

        Args:
            number: any that no other living tensor has.
            size: in bytes.
        """
        if size < SMALL:
            self._small += size
            self._most_small = max(self._most_small, self._small)
            return
        rounded = -(-size // _GRAIN) * _GRAIN
        if bisect.bisect_left(self._free, (rounded, -1)) == len(self._free):
            self._extend(rounded)
        piece, address = self._free[bisect.bisect_left(self._free, (rounded, -1))]
        self._remove(address, piece)
        if piece >= 2 * rounded or piece - rounded >= _WASTE:
            self._insert(address + rounded, piece - rounded)
            piece = rounded
        self._taken[number] = address, piece
        self._written.add((address, address + size))

    def give(self, number: int, size: int) -> None:
        """A tensor goes.

        Args:
            number: as it was taken.
            size: as it was taken, in bytes.
        """
        if size < SMALL:
            self._small -= size
            return
        address, piece = self._taken.pop(number)
        behind = self._by_start.get(address + piece, 0)
        if behind:
            self._remove(address + piece, behind)
        ahead = self._by_end.get(address, 0)
        if ahead:
            self._remove(address - ahead, ahead)
        self._insert(address - ahead, ahead + piece + behind)

    def _extend(self, size: int) -> None:
        doubled = size > self._next_region
        while size > self._next_region:
            self._next_region *= 2
        self._insert(self._end, self._next_region)
        self._end += self._next_region + _GRAIN
        if not doubled:
            self._next_region *= 2

    def _insert(self, address: int, size: int) -> None:
        bisect.insort(self._free, (size, address))
        self._by_start[address] = self._by_end[address + size] = size

    def _remove(self, address: int, size: int) -> None:
        del self._free[bisect.bisect_left(self._free, (size, address))]
        del self._by_start[address], self._by_end[address + size]
