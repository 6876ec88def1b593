"""Things that belong together through chains of pairs."""

from __future__ import annotations

__all__ = ["Sets"]


class Sets:
    """Numbers 0 to count - 1, each alone until it is united with others.

    Args:
        count: how many there are.
    """

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, number: int) -> int:
        """The smallest number of the set that a number is in."""
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def unite(self, one: int, other: int) -> None:
        """Makes one set of the sets of two numbers."""
        first, second = sorted((self.root(one), self.root(other)))
        self._parents[second] = first
