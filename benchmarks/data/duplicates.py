"""How surely pictures of the same place are found, how many are invented, and how long it takes.

    python -m benchmarks.data.duplicates
    python -m benchmarks.data.duplicates --tiles ../shared/data/superalloy_tiles

Fields of view are cut from one simulated surface and recorded anew: noise of sd 8, gain 0.7 to 1.3, offset -25 to 25.
There are two kinds of surface: the dense texture of etched copper, and round bright particles on a dark, flat ground,
where few of them are all that two fields of view have in common. The exit code is 1 where unlike pictures were called
alike; the figures go to benchmarks/results/duplicates.json.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.cluster.hierarchy import DisjointSet

from benchmarks.data.particles import particles
from copper_tf.cli.tables import print_table
from copper_tf.simulation import SimulationSettings, simulate_picture
from tfds_copper.audit.candidates import candidates
from tfds_copper.audit.duplicates import find_duplicates
from tfds_copper.audit.fingerprints import Fingerprint, fingerprint
from tfds_copper.audit.keypoints import DIMENSION, Keypoints
from tfds_copper.audit.verification import DuplicatePair
from tfds_copper.files import write_json

__all__ = ["main"]

_RESULTS = Path(__file__).parents[1] / "results" / "duplicates.json"
_SIZES = ((128, 128), (256, 320), (960, 1280))
_SHARES = (0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 0.9)
_ALONG = ("right", "down", "both")
_TIMES = range(16)
_JPEG, _FACTORS = (50, 75, 90), (0.4, 0.6, 1.7, 2.5)

# (height, width, t, seed) to grey levels before recording; t is the stress time of a texture.
Surface = Callable[[int, int, int, int], np.ndarray]


def _texture(height: int, width: int, t: int, seed: int) -> np.ndarray:
    return simulate_picture(SimulationSettings(height=height, width=width, seed=seed), t, 0)[0].astype(np.float64)


def _particles(*densities: float) -> Surface:
    """Surfaces with so many particles on 128x128 px on average, by turns."""
    return lambda height, width, t, seed: particles(height, width, densities[t % len(densities)], seed)


_SURFACES: dict[str, Surface] = {
    "texture": _texture,
    "particles": _particles(15, 30, 60),
    "few particles": _particles(1, 3, 5, 8),
}
# How many unlike pictures of each size are compared with one another.
_UNLIKE = {"texture": (384, 192, 64), "particles": (1000, 200, 40), "few particles": (1000, 200, 40)}


def _recorded(surface: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gain, offset = rng.uniform(0.7, 1.3), rng.uniform(-25, 25)
    grey = (surface - surface.mean()) * gain + surface.mean() + offset + rng.normal(0, 8, surface.shape)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _fields(
    make: Surface, size: tuple[int, int], t: int, share: float, along: str, rng: np.random.Generator
) -> list[np.ndarray]:
    """Two fields of view that share a part."""
    apart = 1 - (np.sqrt(share) if along == "both" else share)
    down = round(size[0] * apart) * (along != "right")
    right = round(size[1] * apart) * (along != "down")
    surface = make(size[0] + down, size[1] + right, t, int(rng.integers(2**31)))
    return [_recorded(part, rng) for part in (surface[: size[0], : size[1]], surface[down:, right:])]


def _found(pictures: Sequence[np.ndarray]) -> list[DuplicatePair]:
    return find_duplicates([fingerprint(p) for p in pictures], lambda k: pictures[k])


def _partners(found: Sequence[DuplicatePair], count: int) -> tuple[int, int]:
    """Of pictures 2k and 2k + 1, which belong together: how many pairs were found, and how many others."""
    true = {(p.first, p.second) for p in found if p.first % 2 == 0 and p.second == p.first + 1}
    return len(true), len(found) - len(true)


def _tables(title: str, rows: dict[str, dict[str, Any]]) -> None:
    """Prints rows by their name, with cells by the name of their column."""
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    print_table([title, *columns], [[name, *(str(c.get(k, "")) for k in columns)] for name, c in rows.items()])
    print(flush=True)


def _overlaps(name: str) -> tuple[dict[str, dict[str, Any]], int]:
    rows: dict[str, dict[str, Any]] = {}
    invented = 0
    for share in _SHARES:
        for size in _SIZES:
            rng = np.random.default_rng(round(100 * share))
            times = _TIMES if size[0] < 500 else _TIMES[::3]
            pictures = [
                p for t in times for along in _ALONG for p in _fields(_SURFACES[name], size, t, share, along, rng)
            ]
            right, wrong = _partners(_found(pictures), len(pictures))
            rows.setdefault(f"{share:.0%}", {})[f"{size[0]}x{size[1]}"] = f"{right}/{len(pictures) // 2}"
            invented += wrong
    _tables(f"{name}: common area", rows)
    return rows, invented


def _resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "jpeg", quality=quality)
    return np.asarray(Image.open(kept))


def _changed(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The copies of a picture by what was done to it."""
    copies = {f"JPEG {quality}": _jpeg(pixels, quality) for quality in _JPEG}
    copies |= {f"size x{factor}": _resized(pixels, factor) for factor in _FACTORS}
    copies["grey 0.6 v + 60"] = np.clip(pixels * 0.6 + 60, 0, 255).astype(np.uint8)
    copies["grey 1.5 v - 50"] = np.clip(pixels * 1.5 - 50, 0, 255).astype(np.uint8)
    copies["16 bit"] = pixels.astype(np.uint16) * 257
    return copies


def _copies(name: str) -> tuple[dict[str, dict[str, Any]], int]:
    rows: dict[str, dict[str, Any]] = {}
    invented = 0
    for size in _SIZES:
        rng = np.random.default_rng(1)
        times = _TIMES if size[0] < 500 else _TIMES[::3]
        originals = [_recorded(_SURFACES[name](*size, t, 77 + t), rng) for t in times]
        changed = [_changed(p) for p in originals]
        for change in changed[0]:
            pairs = [p for k, original in enumerate(originals) for p in (original, changed[k][change])]
            right, wrong = _partners(_found(pairs), len(pairs))
            rows.setdefault(change, {})[f"{size[0]}x{size[1]}"] = f"{right}/{len(originals)}"
            invented += wrong
    _tables(f"{name}: copy", rows)
    return rows, invented


def _unlike(name: str) -> tuple[dict[str, dict[str, Any]], int]:
    rows: dict[str, dict[str, Any]] = {}
    rng = np.random.default_rng(2)
    invented = 0
    for size, count in zip(_SIZES, _UNLIKE[name], strict=True):
        pictures = [_recorded(_SURFACES[name](*size, k % 16, 1000 + k), rng) for k in range(count)]
        started = time.perf_counter()
        fingerprints = [fingerprint(p) for p in pictures]
        hashed = time.perf_counter()
        wrong = len(find_duplicates(fingerprints, lambda k, held=pictures: held[k]))
        ended = time.perf_counter()
        each_ms = [round(1e3 * seconds / count, 1) for seconds in (hashed - started, ended - hashed)]
        rows[f"{size[0]}x{size[1]}"] = {
            "n": count, "called alike": wrong, "ms per fingerprint": each_ms[0], "ms per match and check": each_ms[1],
        }  # fmt: skip
        invented += wrong
    _tables(f"{name}: unlike pictures", rows)
    return rows, invented


def _random_fingerprint(number: int, like: Fingerprint, rng: np.random.Generator) -> Fingerprint:
    """A fingerprint with as many keypoints as a real one, which look as real ones do on average."""
    keypoints = []
    for real in like.keypoints:
        mixed = rng.normal(size=(len(real.descriptors), len(real.descriptors))) @ real.descriptors.astype(np.float32)
        descriptors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        keypoints.append(Keypoints(real.factor, real.positions, descriptors.reshape(-1, DIMENSION).astype(np.float16)))
    return dataclasses.replace(
        like,
        digest=number.to_bytes(32, "big"),
        perceptual_hash=int(rng.integers(2**63)) * 2 + 1,
        keypoints=tuple(keypoints),
    )


def _speed(counts: Sequence[int]) -> None:
    rng = np.random.default_rng(3)
    real = [fingerprint(_recorded(_texture(960, 1280, t, 5), rng)) for t in _TIMES]
    rows = []
    for count in counts:
        fingerprints = [_random_fingerprint(k, real[k % len(real)], rng) for k in range(count)]
        started = time.perf_counter()
        found = candidates(fingerprints)
        seconds = time.perf_counter() - started
        rows.append([str(count), f"{seconds:.1f}", f"{1e3 * seconds / count:.1f}", str(len(found))])
    print_table(["random fingerprints", "s", "ms per picture", "candidates"], rows)


def _tiles(folder: Path) -> int:
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = [np.asarray(Image.open(folder / r["file"])) for r in rows]
    corners = np.array([[int(n) for n in re.findall(r"_[yx](\d{3})", r["file"])[-2:]] for r in rows])
    started = time.perf_counter()
    pairs = {(p.first, p.second) for p in _found(pictures)}
    seconds = time.perf_counter() - started
    side, shares = pictures[0].shape[0], {}
    for j, one in enumerate(rows):
        for i in range(j):
            left = side - np.abs(corners[i] - corners[j])
            if one["picture"] == rows[i]["picture"] and left.min() > 0:
                shares[i, j] = float(left.prod()) / side**2
    table = []
    for share in sorted(set(shares.values())):
        true = [pair for pair, value in shares.items() if value == share]
        table.append([f"{share:.0%} in common", f"{sum(pair in pairs for pair in true)}/{len(true)}"])
    wrong = [pair for pair in pairs if rows[pair[0]]["sheet"] != rows[pair[1]]["sheet"]]
    linked = DisjointSet(range(len(rows)))
    for pair in pairs:
        linked.merge(*pair)
    table += [["of two sheets", str(len(wrong))], ["groups", str(linked.n_subsets)], ["seconds", f"{seconds:.0f}"]]
    print_table(["tiles", "found"], table)
    return len(wrong)


def main() -> int:
    """Measures, prints the tables and keeps them; 1 where pictures that have nothing in common were called alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=Path, help="a folder of tiles with labels.csv, cut from larger pictures")
    parser.add_argument("--fingerprints", type=int, nargs="*", default=[500, 2000, 8000], help="sizes of random sets")
    parser.add_argument("--surfaces", nargs="+", choices=list(_SURFACES), default=list(_SURFACES))
    options = parser.parse_args()
    invented = _tiles(options.tiles) if options.tiles else 0
    found: dict[str, dict[str, Any]] = {}
    for name in options.surfaces:
        found[name] = {}
        for measure in (_unlike, _overlaps, _copies):
            found[name][measure.__name__.strip("_")], wrong = measure(name)
            invented += wrong
    _speed(options.fingerprints)
    print(f"\npairs invented, in all: {invented}")
    write_json(_RESULTS, {"surfaces": found, "invented": invented})
    return 1 if invented else 0


if __name__ == "__main__":
    sys.exit(main())
