"""The full scale of grey values: 8 bits, or as many as a 16-bit container is used for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tfds_copper.errors import InputError

__all__ = [
    "DEPTHS",
    "Bits",
    "Depth",
    "bits_of_largest",
    "depth_of",
    "likely_bits",
    "low_bits",
    "low_note",
    "partial_bits",
]

# The depths that can be asked for, and what detectors usually have in a container of 16 bits.
_CONTAINER = 16
DEPTHS = tuple(range(8, _CONTAINER + 1))
_LIKELY = (10, 12, 14)


def partial_bits(bits: object) -> int:
    """A declared depth that is less than the container's 16 bits and more than 8; 0 for any other value.

    Programs write 16, the default, whether or not they know.
    """
    known = isinstance(bits, int | np.integer) and 8 < bits < _CONTAINER
    return int(bits) if known else 0  # type: ignore[call-overload]


def bits_of_largest(value: object) -> int:
    """The depth of which a declared largest value is the full scale, 12 for 4095; 0 for any other value.

    What merely is the largest value in the picture, which some programs write, is no full scale.
    """
    if not isinstance(value, int | np.integer) or value < 0:
        return 0
    bits = int(value).bit_length()
    return partial_bits(bits) if value == 2**bits - 1 else 0


def likely_bits(largest: int) -> int:
    """The depth of a detector that never gave a larger value; 16 where that says nothing."""
    return next((bits for bits in _LIKELY if largest < 2**bits), _CONTAINER)


def low_note(bits: int) -> str:
    """What is said of a 16-bit picture of unknown depth whose values would fit into so many bits."""
    return f"no grey value above {2**bits - 1} in 16 bits: recorded with {bits} bits, or dark"


def low_bits(notes: str) -> int:
    """Into how many bits the values of a 16-bit picture of unknown depth would fit, by its notes; 0 for no such one."""
    return next((bits for bits in _LIKELY if low_note(bits) in notes), 0)


@dataclasses.dataclass(frozen=True)
class Bits:
    """Which bits the values of a picture use.

    Args:
        top: the largest value.
        used: the bits that any value uses.
        repeated: whether the two bytes of every value are the same.
    """

    top: int = 0
    used: int = 0
    repeated: bool = True

    @classmethod
    def of(cls, pixels: np.ndarray) -> Bits:
        """Those of a picture or of a part of one, any shape, uint8 or uint16."""
        used = int(np.bitwise_or.reduce(pixels, axis=None)) if pixels.size else 0
        wide = pixels.dtype == np.uint16
        return cls(int(pixels.max(initial=0)), used, wide and np.array_equal(pixels >> 8, pixels & 255))

    def __or__(self, other: Bits) -> Bits:
        """Those of two parts together."""
        return Bits(max(self.top, other.top), self.used | other.used, self.repeated and other.repeated)

    def begins_above(self, bits: int) -> bool:
        """Whether values of so many bits stand in the highest bits of 16."""
        return not self.used & (2 ** (_CONTAINER - bits) - 1)


@dataclasses.dataclass(frozen=True)
class Depth:
    """How the values of a picture are kept.

    Args:
        bits: full scale is ``2**bits - 1``.
        notes: what is said of it, if anything.
        shift: lowest bits that are dropped, since they hold nothing.
    """

    bits: int
    notes: tuple[str, ...] = ()
    shift: int = 0

    def stored(self, pixels: np.ndarray) -> np.ndarray:
        """A picture, or a part of it, in 8 bits where they hold all of the picture's values; nothing is lost."""
        return pixels if self.bits > 8 else (pixels >> self.shift).astype(np.uint8, copy=False)


def _narrow(bits: Bits, declared: bool) -> Depth | None:
    """Values of 8 bits in a container of 16; None where they are none."""
    if bits.top <= 255:
        return Depth(8, ("8-bit values in 16 bits: stored in 8",)) if bits.top and not declared else None
    factor = "256" if not bits.used & 255 else "257" if bits.repeated else ""
    return Depth(8, (f"8-bit values times {factor} in 16 bits: stored in 8",), 8) if factor else None


def depth_of(path: Path, kind: np.dtype, bits: Bits, declared: int, wanted: int) -> Depth:
    """How a picture's values are kept: the user's word counts before the file's, and that before what is seen.

    Args:
        path: for messages.
        kind: uint8 or uint16.
        bits: that its values use.
        declared: the depth that the file declares for its container of 16 bits; 0 for none.
        wanted: what the user says of containers of 16 bits; 0 for nothing.

    Raises:
        InputError: if the picture has larger values than the user says.
    """
    if kind != np.uint16:
        return Depth(8)
    said = wanted or declared
    if said and bits.top < 2**said:
        return Depth(said, (f"{said}-bit greys in 16 bits: full scale is {2**said - 1}",) if said < _CONTAINER else ())
    narrow = _narrow(bits, bool(said))
    if narrow:
        return narrow
    if said and bits.begins_above(said):
        return Depth(_CONTAINER, (f"{said}-bit greys in the highest of 16 bits",))
    if wanted:
        raise InputError(
            f"{path}: bit_depth must hold all grey values; {wanted} bits end at {2**wanted - 1}. Received: {bits.top}"
        )
    if declared:
        return Depth(_CONTAINER, (f"declared as {declared} bits, but has a value of {bits.top}: read as 16 bits",))
    likely = likely_bits(bits.top)
    return Depth(_CONTAINER, (low_note(likely),) if bits.top and likely < _CONTAINER else ())
