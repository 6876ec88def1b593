"""The cases of a fuzz by number: what each writes into a folder, and what is read then."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.fuzz.bombs import BOMBS, Bomb, bomb_file
from benchmarks.fuzz.folders import PATTERNS, TRAPS, outside, random_folder, sound_folder, trap_folder
from benchmarks.fuzz.mutations import mutate
from benchmarks.fuzz.seeds import labels_seeds, picture_seeds, png, sidecar_seeds

__all__ = ["Case", "case", "named_cases", "remove"]

_ENDINGS = {"PNG": ".png", "TIFF": ".tif", "BMP": ".bmp", "JPEG": ".jpg"}
# How often each kind comes; pictures are what most files are.
_SHARES = {"PNG": 0.24, "TIFF": 0.34, "BMP": 0.1, "JPEG": 0.1, "sidecar": 0.08, "labels": 0.08, "folder": 0.06}


@dataclasses.dataclass(frozen=True)
class Case:
    """One case.

    Args:
        kind: for the table.
        name: what it is.
        write: writes into an empty SEM folder; gives (file to read, empty to scan; sheet-from).
        outcome: what it must come to; empty where a correct read and a clear error both will do.
        slow: whether writing it takes more than a moment.
    """

    kind: str
    name: str
    write: Callable[[Path], tuple[str, str]]
    outcome: str = ""
    slow: bool = False

    def put(self, base: Path) -> tuple[Path, str, str]:
        """Writes it below a folder, with what must not be read beside it: (SEM folder, file, sheet-from)."""
        root = base / "sem"
        root.mkdir(parents=True)
        outside(base / "outside")
        return (root, *self.write(root))


def _of_bomb(bomb: Bomb) -> Case:
    return Case("bomb", bomb.name, lambda root: (bomb_file(bomb, root), ""), bomb.outcome, bomb.slow)


def _of_trap(name: str) -> Case:
    def write(root: Path) -> tuple[str, str]:
        trap_folder(name, root)
        return "", ""

    return Case("trap", name, write)


def _of_pattern(pattern: str) -> Case:
    def write(root: Path) -> tuple[str, str]:
        sound_folder(root)
        return "", pattern

    return Case("sheet-from", repr(pattern[:30]), write)


def named_cases() -> tuple[Case, ...]:
    """The bombs, traps and patterns, each once."""
    return (
        *(_of_bomb(bomb) for bomb in BOMBS),
        *(_of_trap(name) for name in TRAPS),
        *(_of_pattern(pattern) for pattern in dict.fromkeys(PATTERNS)),
    )


def _picture(rng: np.random.Generator, kind: str) -> Case:
    seeds = picture_seeds()[kind]
    seed = seeds[int(rng.integers(len(seeds)))]
    data = mutate(rng, seed)
    ending = _ENDINGS[kind] if rng.random() < 0.95 else str(rng.choice(list(_ENDINGS.values())))

    def write(root: Path) -> tuple[str, str]:
        (root / f"x{ending}").write_bytes(data)
        return f"x{ending}", ""

    return Case(kind, seed.what, write)


def _sidecar(rng: np.random.Generator) -> Case:
    seed = sidecar_seeds()[int(rng.integers(len(sidecar_seeds())))]
    data = mutate(rng, seed)

    def write(root: Path) -> tuple[str, str]:
        (root / "x.png").write_bytes(png(8, 0))
        (root / ("x-png.hdr" if seed.what.startswith("Tescan") else "x.txt")).write_bytes(data)
        return "x.png", ""

    return Case("sidecar", seed.what, write)


def _labels(rng: np.random.Generator) -> Case:
    seed = labels_seeds()[int(rng.integers(len(labels_seeds())))]
    data = mutate(rng, seed)

    def write(root: Path) -> tuple[str, str]:
        for file in ("a/0.png", "a/1.png", "b/2.png", "b/銅.png"):
            (root / file).parent.mkdir(exist_ok=True)
            (root / file).write_bytes(png(8, 0))
        (root / "labels.csv").write_bytes(data)
        return "", ""

    return Case("labels", seed.what, write)


def _folder(rng: np.random.Generator) -> Case:
    return Case("folder", "", lambda root: ("", random_folder(rng, root)))


def case(seed: int, number: int) -> Case:
    """The case of a number: first the named ones, then random ones; the same for the same seed and number."""
    named = named_cases()
    if number < len(named):
        return named[number]
    rng = np.random.default_rng([seed, number])
    kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    if kind in _ENDINGS:
        return _picture(rng, kind)
    return {"sidecar": _sidecar, "labels": _labels, "folder": _folder}[kind](rng)


def remove(base: Path) -> None:
    """Removes a case's folder, however deep."""
    try:
        shutil.rmtree(base)
    except (OSError, RecursionError):
        subprocess.run(["rm", "-rf", str(base)], check=False)
