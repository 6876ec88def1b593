"""What reading a user's files may come to: a correct read or one clear line; everything else is a failure."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import sys
import sysconfig
import traceback
import warnings
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.errors import CopperError
from tfds_copper.folder.scan import scan
from tfds_copper.micrograph import Micrograph, ReadSettings, read, read_mask

__all__ = ["CANARY", "CANARY_TEXT", "ERROR", "READ", "Verdict", "judge"]

READ, ERROR = "correct read", "clear error"
# What lies outside the folder: its pixels and its text must never come back.
CANARY = np.tile(np.array([[173, 91, 173, 12, 201]], np.uint8), (9, 3))
CANARY_TEXT = "CANARYDETECTOR"
_LONGEST = 1000
_LIBRARIES = tuple({os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(),
                                                  *zoneinfo.TZPATH)} - {"/"})  # fmt: skip
# What an import reads: code, and the entry points of installed packages.
_CODE = (".py", ".pyc", ".so", "entry_points.txt")
_opened: list[str] | None = None
_hooked = False


@dataclasses.dataclass
class Verdict:
    """What one case came to.

    Args:
        reads: calls that read.
        errors: the text of every clear error.
        failures: (sort, detail) of everything that is forbidden.
    """

    reads: int = 0
    errors: list[str] = dataclasses.field(default_factory=list)
    failures: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def fail(self, sort: str, detail: str) -> None:
        """Notes something forbidden."""
        self.failures.append((sort, detail))


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _opened is not None and event in ("open", "os.scandir", "os.listdir") and isinstance(args[0], str | bytes):
        _opened.append(os.fsdecode(args[0]))


@contextlib.contextmanager
def _watched(folder: Path, verdict: Verdict) -> Iterator[None]:
    """Files opened outside a folder, and warnings, become failures."""
    global _opened, _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    inside, _opened = os.path.join(os.path.realpath(folder), ""), []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        paths, _opened = _opened, None
    for warning in caught:
        verdict.fail("warning", f"{warning.category.__name__}: {warning.message}")
    for path in dict.fromkeys(paths):
        real = os.path.realpath(path)
        # An import lists the folders of sys.path.
        imported = os.path.isdir(real) and real in {os.path.realpath(p) for p in sys.path}
        library = imported or real.startswith(_LIBRARIES) or real.endswith(_CODE)
        if not library and real + os.sep != inside and not real.startswith(inside):
            verdict.fail("opened outside", f"{path!r} is {real!r}")


def _check_text(error: CopperError, verdict: Verdict) -> None:
    text = str(error)
    verdict.errors.append(text)
    if not text.isprintable():
        verdict.fail("unclear error", f"not one line: {text[:300]!r}")
    if len(text) > _LONGEST + 50:
        verdict.fail("unclear error", f"{len(text)} characters: {text[:300]!r}")
    if "Received:" not in text:
        verdict.fail("unclear error", f"no Received: {text[:300]!r}")


def _called(verdict: Verdict, function: Callable[..., Any], *args: Any) -> Any:
    """The result; None where it was an error of whatever kind."""
    try:
        result = function(*args)
    except CopperError as error:
        _check_text(error, verdict)
        return None
    except BaseException as error:
        where = " < ".join(
            f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[::-1]
        )
        verdict.fail(type(error).__name__, f"{' '.join(str(error).split())[:200]} at {where[:300]}")
        return None
    verdict.reads += 1
    return result


def _check_pixels(pixels: np.ndarray, verdict: Verdict) -> None:
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16) or not pixels.size:
        verdict.fail("wrong read", f"{pixels.dtype} {pixels.shape}")
    elif pixels.size > ReadSettings().max_pixels:
        verdict.fail("wrong read", f"more than max_pixels: {pixels.shape}")
    if pixels.shape == CANARY.shape and (np.array_equal(pixels, CANARY) or np.array_equal(pixels, CANARY > 0)):
        verdict.fail("canary", "a picture outside the folder was read")


def _read(path: Path, size: float, truth: Path | None, verdict: Verdict) -> None:
    micrograph: Micrograph | None = _called(verdict, read, path, None, size)
    if micrograph is not None:
        _check_pixels(micrograph.pixels, verdict)
        texts = (*micrograph.notes, *map(str, micrograph.metadata.known().values()))
        if CANARY_TEXT in "".join(texts):
            verdict.fail("canary", "a text outside the folder was read")
        if not all(text.isprintable() and len(text) <= _LONGEST for text in texts[: len(micrograph.notes)]):
            verdict.fail("unclear note", repr(micrograph.notes)[:300])
    mask = _called(verdict, read_mask, truth or path, *([micrograph] if truth else []))
    if mask is not None:
        _check_pixels(mask, verdict)


def _scan(folder: Path, sheet_from: str, verdict: Verdict) -> None:
    found = _called(verdict, scan, folder, sheet_from)
    if found is None:
        return
    if not all(math.isfinite(t) and t >= 0 for t in found.times):
        verdict.fail("wrong read", f"times {found.times}")
    if any(CANARY_TEXT in value for picture in found.pictures for value in picture.columns.values()):
        verdict.fail("canary", "a labels.csv outside the folder was read")
    for picture in found.pictures:
        _read(found.root / picture.file, picture.pixel_size_nm, picture.truth, verdict)


def judge(folder: Path, file: str = "", sheet_from: str = "") -> Verdict:
    """Reads one file, or scans a folder and reads all its pictures.

    Args:
        folder: outside of which nothing may be opened.
        file: in the folder; empty to scan it.
        sheet_from: for the scan.
    """
    verdict = Verdict()
    with _watched(folder, verdict):
        if file:
            _read(folder / file, math.nan, None, verdict)
        else:
            _scan(folder, sheet_from, verdict)
    return verdict
