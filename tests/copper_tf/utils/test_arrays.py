"""Arrays of a run come back as they were kept; files that are none, or bombs, are one line."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from copper_tf.utils.arrays import read_arrays
from tfds_copper.errors import RunError


def _header(shape: str, kind: str = "<f8") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def test_arrays_come_back(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(6).reshape(2, 3), name="銅")
    arrays = read_arrays(tmp_path / "a.npz")
    assert arrays["x"].tolist() == [[0, 1, 2], [3, 4, 5]] and str(arrays["name"]) == "銅"


def test_bombs_and_objects_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    objects = io.BytesIO()
    np.save(objects, np.array([print], object), allow_pickle=True)
    claims = io.BytesIO()
    with zipfile.ZipFile(claims, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(1000))
    lying = claims.getvalue().replace(struct.pack("<I", 1000), struct.pack("<I", 2**31))
    for content in (_header("(1099511627776, 1024)"), _header("(10,)"), objects.getvalue(), b"none"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x.npy", content)
        with pytest.raises(RunError, match="must hold arrays as copper-tf wrote them. Received: ") as caught:
            read_arrays(file)
        assert "\n" not in str(caught.value)
    for content in (b"", b"no zip", lying):
        file.write_bytes(content)
        with pytest.raises(RunError, match="must hold arrays as copper-tf wrote them. Received: "):
            read_arrays(file)
