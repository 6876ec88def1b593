"""Arrays that a run keeps: maps and patches of its pages, as NumPy packs several into one file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from tfds_copper.errors import RunError
from tfds_copper.files import unpacked_bytes
from tfds_copper.text import first_line

__all__ = ["read_arrays"]

# Bytes of all arrays of a file once they are unpacked; the patches and maps of a page take some 10^7.
_MOST = 2**30


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file, by name.

    Args:
        file: that a run keeps.

    Raises:
        RunError: if it is damaged, or unpacks to far more than a run keeps.
    """
    try:
        size = unpacked_bytes(file)
        if size > _MOST:
            raise ValueError(f"{size} bytes once unpacked")
        with np.load(file, allow_pickle=False) as held:
            arrays = dict(held)
        if other := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
            raise ValueError(f"{other[0]}, which is no array")
        return arrays
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        reason = first_line(error)
        raise RunError(f"{file}: must hold arrays as copper-tf wrote them. Received: {reason}") from None
