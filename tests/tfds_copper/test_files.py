"""A full disk is known by whatever name a library gives it, and a file is there whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from tfds_copper.files import is_disk_full, replacing, write_bytes


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("16384 requested and 11172 written"),
        RuntimeError("Can't flush: file write failed: errno = 28, error message = 'No space left on device'"),
    ],
)
def test_a_full_disk_is_known(error: Exception) -> None:
    assert is_disk_full(error)
    wrapped = RuntimeError("the writer failed")
    wrapped.__cause__ = error
    assert is_disk_full(wrapped)


@pytest.mark.parametrize("error", [None, OSError(errno.EACCES, "Permission denied"), ValueError("requested")])
def test_other_errors_are_none(error: Exception | None) -> None:
    assert not is_disk_full(error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_numpys_and_pythons_own_errors_are_known() -> None:
    with pytest.raises(OSError) as of_numpy, open("/dev/full", "wb") as file:
        np.zeros(10**6).tofile(file)
    with pytest.raises(OSError) as of_python:
        Path("/dev/full").write_bytes(b"x" * 10**6)
    assert is_disk_full(of_numpy.value) and is_disk_full(of_python.value)


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(OSError), replacing(tmp_path / "file") as temporary:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "file").read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["file"]
