"""Is a picture unlike the training data noticed, and are those like it left alone?

    python -m benchmarks.maps.ood --seeds 5
    python -m benchmarks.maps.ood --real superalloy_tiles ebc_oxide/images

No network is trained: what is tested are the statistics that a run keeps of its pictures. On simulated folders whole
sheets are held out, and drawn again with the microscope set otherwise: what lies within the range of the training
pictures must be left alone, what lies far outside must be flagged. On real ones each sheet of a SEM folder is held out
in turn, and the pictures of a folder of another material must be flagged; then the other way round.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import RESULTS
from benchmarks.acceptance import worlds
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.ood.features import ImageFeatures, image_features
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.simulation import SimulationSettings, plan_picture
from copper_tf.simulation.picture import appearance_of, exposure_of, simulate_picture
from tfds_copper.files import write_json
from tfds_copper.folder.scan import scan
from tfds_copper.micrograph import Windows, read

__all__ = ["NUISANCES", "main", "of_folders", "of_world", "set_otherwise"]

# The first pictures of each label are of the sheets of training and validation, these of those that are held out.
_KNOWN, _NEW, _SOME = range(32), range(32, 42), (33, 37, 41)
_MOST_FALSE, _LEAST_FLAGGED = 0.05, 0.95
# What is set otherwise: values within the range of the training pictures, those beyond it, those that must be seen.
NUISANCES: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    "scale": ((0.96, 1.05), (0.9, 1.1, 0.8, 1.25), (1 / 1.5, 0.5, 1.5, 2.0)),
    "defocus": ((0.5, 0.8), (1.0, 1.2), (1.5, 2.0, 3.0)),
    "electrons": ((1900.0, 1100.0), (700.0, 400.0), (200.0, 100.0, 50.0)),
    "offset": ((-0.06, 0.06), (-0.1, -0.15, 0.1, 0.15), (-0.2, -0.3, 0.2, 0.3)),
    "gain": ((0.85, 1.15), (0.7, 0.6, 1.4, 1.7), (0.5, 0.3, 2.0, 3.0)),
}
_UNITS = {"scale": "x", "defocus": "px", "electrons": "per px", "offset": "of full scale", "gain": "x"}
_COLUMNS = ("set", "range", "flagged", "worst", "reason")
# The pictures of these specimens of the other folder, by their names.
_SPECIMEN = re.compile(r"(\d+_\d+|S\d+)_")


def set_otherwise(
    settings: SimulationSettings, label: int, index: int, **changed: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """A simulated picture and its mask, with the microscope set otherwise.

    Args:
        settings: of the world.
        label: rank of t.
        index: number of the picture within the label.
        **changed: what is set otherwise, by the names of `NUISANCES`; another scale shows another place.
    """
    settings = dataclasses.replace(settings, **{k: v for k, v in changed.items() if k == "scale"})
    made = plan_picture(settings, label, index)
    look, exposure = appearance_of(settings, made), exposure_of(settings, made)
    look = dataclasses.replace(look, **{k: v for k, v in changed.items() if k == "defocus"})
    names = {f.name for f in dataclasses.fields(exposure)}
    exposure = dataclasses.replace(exposure, **{k: v for k, v in changed.items() if k in names})
    return simulate_picture(settings, label, index, look, exposure)


def _drawn(seed: int, side: int, indices: Sequence[int], **other: float) -> list[tuple[ImageFeatures, int, int]]:
    """ImageFeatures, label and number of the sheet of simulated pictures, the microscope set otherwise where asked."""
    settings = worlds.settings(seed, side=side)
    return [
        (
            _features(set_otherwise(settings, label, index, **other)[0], 8),
            label,
            label * settings.sheets + plan_picture(settings, label, index).sheet,
        )
        for label in range(settings.labels)
        for index in indices
    ]


def _features(pixels: np.ndarray, depth: int) -> ImageFeatures:
    found = image_features(Windows.of(pixels, depth))
    assert found is not None, "pictures of benchmarks are large enough"
    return found


def _fitted(pictures: Iterable[tuple[ImageFeatures, int, int]]) -> ReferenceStatistics:
    found = ReferenceStatistics.of(*zip(*pictures, strict=True))
    assert found is not None, "pictures of benchmarks are of many sheets"
    return found


def _flagged(reference: ReferenceStatistics, pictures: Sequence[ImageFeatures]) -> tuple[float, str]:
    """The share that is flagged, and the usual reason."""
    reasons = [reference.score(one).reason.split(": ")[0] for one in pictures]
    usual = Counter(filter(None, reasons)).most_common(1)
    return float(np.mean([bool(reason) for reason in reasons])), usual[0][0] if usual else ""


def of_world(folder: Path, seed: int, side: int) -> Results:
    """Shares of held-out simulated pictures that are flagged, by what is set otherwise.

    Args:
        folder: unused; worlds are drawn anew.
        seed: of the world.
        side: of a picture in px.
    """
    settings = [(name, value) for name, parts in NUISANCES.items() for value in sum(parts, ())]
    with progress_bar() as progress:
        reference = _fitted(_drawn(seed, side, _KNOWN))
        held_out = [one for one, _, _ in _drawn(seed, side, _NEW)]
        found: Results = {"held out": _flagged(reference, held_out)}
        for done, (name, value) in enumerate(settings, start=1):
            unlike = [one for one, _, _ in _drawn(seed, side, _SOME, **{name: value})]
            found[f"{name} {value:.3g}"] = _flagged(reference, unlike)
            progress(done, len(settings), f"seed {seed}, {side} px")
    return found


def _sheets(names: Sequence[str]) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1]


def _turns(
    pictures: Sequence[ImageFeatures], labels: Sequence[int], names: Sequence[str], others: Sequence[ImageFeatures]
) -> Results:
    """Each sheet held out in turn: shares of its own pictures and of those of others that are flagged."""
    sheets, own, foreign, reasons = _sheets(names), {}, {}, Counter[str]()
    with progress_bar() as progress:
        for sheet in np.unique(sheets):
            name = names[int(np.flatnonzero(sheets == sheet)[0])]
            rest = np.flatnonzero(sheets != sheet)
            reference = _fitted((pictures[k], labels[k], int(sheets[k])) for k in rest)
            own[name] = [bool(reference.score(pictures[k]).reason) for k in np.flatnonzero(sheets == sheet)]
            said = [reference.score(one).reason for one in others]
            foreign[name] = float(np.mean([bool(text) for text in said]))
            reasons.update(text.split(": ")[0] for text in said if text)
            progress(int(sheet) + 1, int(sheets.max()) + 1, "holding sheets out")
    return {
        "pictures": len(pictures),
        "false": float(np.mean([flag for flags in own.values() for flag in flags])),
        "false by sheet": {name: [int(sum(flags)), len(flags)] for name, flags in own.items()},
        "others": len(others),
        "flagged": float(np.mean(list(foreign.values()))),
        "flagged at least": min(foreign.values()),
        "reasons": dict(reasons),
    }


def of_folders(folder: Path, other: Path) -> dict[str, Results]:
    """Statistics of a SEM folder against another folder of pictures, and the other way round.

    Args:
        folder: a SEM folder whose sheets are known.
        other: a folder of pictures of another material.
    """
    found = scan(folder)
    mine, theirs = [], {}
    with progress_bar() as progress:
        for done, item in enumerate(found.pictures, start=1):
            micrograph = read(folder / item.file)
            mine.append((_features(micrograph.pixels, micrograph.bit_depth), item.label, item.sheet))
            progress(done, len(found.pictures), "reading pictures")
    for path in sorted(other.glob("*.png")):
        micrograph = read(path)
        theirs[path.name] = _features(micrograph.pixels, micrograph.bit_depth)
    specimens = [match.group(1) if (match := _SPECIMEN.match(name)) else name for name in theirs]
    ours, labels, sheets = (list(column) for column in zip(*mine, strict=True))
    return {
        "forward": _turns(ours, labels, sheets, list(theirs.values())),
        "backward": _turns(list(theirs.values()), [0] * len(theirs), specimens, ours),
    }


def _rows(found: Sequence[Results]) -> list[tuple[str, str, float, float, str]]:
    """What is set, what is required (within, beyond, far), mean and worst share over the seeds, usual reason."""
    rows = []
    kinds = {f"{n} {v:.3g}": kind for n, parts in NUISANCES.items() for kind, vs in enumerate(parts) for v in vs}
    for name in found[0]:
        shares = [one[name][0] for one in found]
        kind = ("within", "beyond", "far")[kinds.get(name, 0)]
        worst = min(shares) if kind == "far" else max(shares)
        reason = Counter(filter(None, (one[name][1] for one in found))).most_common(1)
        rows.append((name, kind, float(np.mean(shares)), worst, reason[0][0] if reason else ""))
    return rows


def _good(rows: Sequence[tuple[str, str, float, float, str]]) -> bool:
    false, *others = rows
    within = [mean for _, kind, mean, _, _ in others if kind == "within"]
    far = [mean for _, kind, mean, _, _ in others if kind == "far"]
    return false[2] <= _MOST_FALSE and np.mean(within) <= _MOST_FALSE and min(far) >= _LEAST_FLAGGED


def _table(rows: Sequence[tuple[str, str, float, float, str]], side: int) -> None:
    print(f"simulated, {side}x{side} px")
    shown = []
    for name, kind, mean, worst, reason in rows:
        unit = _UNITS.get(name.split()[0], "")
        shown.append([f"{name} {unit}".strip(), kind, f"{mean:.3f}", f"{worst:.3f}", reason])
    print_table(["set", "range", "flagged", "worst seed", "usual reason"], shown)


def main(arguments: list[str] | None = None) -> int:
    """Prints the tables, writes ``benchmarks/results/guard_rails.json``; 1 where a requirement is missed."""
    flags = parser(__doc__, 5, "acceptance/guard_rails")
    flags.add_argument("--sides", type=int, nargs="*", default=[256, 128], help="of simulated pictures in px")
    flags.add_argument("--real", type=Path, nargs=2, metavar=("FOLDER", "OTHER"), help="SEM folder, other material")
    asked = flags.parse_args(arguments)
    result: dict[str, Any] = {"seeds": asked.seeds}
    seeds, good = seeds_of(asked), True
    for side in asked.sides:
        rows = _rows([kept(asked.output, seed, f"world {side}", of_world, side=side) for seed in seeds])
        _table(rows, side)
        good &= _good(rows)
        result[f"simulated {side} px"] = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    if asked.real:
        result |= (real := of_folders(*asked.real))
        names = ("false", "flagged", "flagged at least")
        print_table(["statistics of", *names], [[k, *(f"{v[n]:.3f}" for n in names)] for k, v in real.items()])
        good &= real["forward"]["false"] <= _MOST_FALSE and real["forward"]["flagged"] >= _LEAST_FLAGGED
    if asked.just is None:
        write_json(RESULTS / "guard_rails.json", result)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
