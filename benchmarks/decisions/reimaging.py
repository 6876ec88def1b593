"""By how much does imaging a sheet again, with the microscope set otherwise, move its potency?

A segmenter is trained with the default settings on simulated sheets of eight ages, whose true area falls evenly. The
test sheets are then drawn again: the same surfaces, with one setting of the microscope changed, within what occurs in
training and beyond it. What moves a sheet by a quarter of the step between two ages blurs a decision. Run as
``python -m benchmarks.decisions.reimaging``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import RESULTS
from benchmarks.maps.ood import NUISANCES, set_otherwise
from benchmarks.maps.unknown_law import world, world_settings
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.simulation import plan_picture
from tfds_copper.files import write_json

if TYPE_CHECKING:
    from copper_tf.simulation import SimulationSettings
    from tfds_copper.dataset import Dataset

__all__ = ["CHANGES", "main", "measured", "summary"]

_SURFACE = "copper .9 to .2"
_QUARTER = 0.25
# Scale is left out: another magnification shows another place.
CHANGES = [(name, value) for name, of in NUISANCES.items() if name != "scale" for value in (*of[0], *of[1])]
# Of the sheets, so many must move by less, whichever setting within the range of training is changed.
_LEAST = 0.95


def _sheets(built: Dataset, settings: SimulationSettings) -> dict[tuple[int, int], list[int]]:
    """Numbers of the test pictures of each sheet, by its label and its number."""
    from copper_tf.data.pictures import examples

    found: dict[tuple[int, int], list[int]] = {}
    for example in examples(built, "test"):
        index = int(Path(example.file).stem.rpartition("p")[2])
        sheet = plan_picture(settings, example.label, index).sheet
        found.setdefault((example.label, sheet), []).append(index)
    return found


def measured(folder: Path, seed: int) -> Results:
    """How far each test sheet moves by each change, in steps between two ages.

    Args:
        folder: where the world and the run are kept.
        seed: of the world, the weights and the crops.
    """
    import copper_tf

    built, settings = world(folder, seed, _SURFACE), world_settings(_SURFACE, seed)
    sheets = _sheets(built, settings)
    with progress_bar() as progress:
        copper_tf.train("segmenter", built.path, folder / "reimaged", seed=seed, resume=True, progress=progress)
        model = copper_tf.load(folder / "reimaged")

        def potencies(**changed: float) -> np.ndarray:
            def potency(label: int, index: int) -> float:
                return model.predict(set_otherwise(settings, label, index, **changed)[0]).potency

            return np.array([np.mean([potency(label, index) for index in of]) for (label, _), of in sheets.items()])

        plain, labels = potencies(), np.array([label for label, _ in sheets])
        ends = [float(plain[labels == label].mean()) for label in (0, settings.labels - 1)]
        step = (ends[0] - ends[1]) / (settings.labels - 1)
        moved = {}
        for done, (name, value) in enumerate(CHANGES, start=1):
            moved[f"{name} {value:g}"] = ((potencies(**{name: value}) - plain) / step).tolist()
            progress(done, len(CHANGES), f"seed {seed}, imaging again")
    return {"step": step, "moved": moved}


def summary(found: list[Results]) -> list[tuple[str, str, float, float, float]]:
    """By change: within or beyond training; mean, share of sheets that move less than a quarter, largest.

    Args:
        found: of each seed, as `measured` gives it.
    """
    rows = []
    for name, value in CHANGES:
        moved = np.concatenate([one["moved"][f"{name} {value:g}"] for one in found])
        less = float((np.abs(moved) < _QUARTER).mean())
        kind = "within" if value in NUISANCES[name][0] else "beyond"
        rows.append((f"{name} {value:g}", kind, float(moved.mean()), less, float(np.abs(moved).max())))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Prints the table, writes ``benchmarks/results/reimaging.json``; 1 where sheets move by more."""
    asked = parser(__doc__, 3, "acceptance/reimaging").parse_args(arguments)
    rows = summary([kept(asked.output, seed, "reimaged", measured) for seed in seeds_of(asked)])
    head = ("changed", "range", "moves by, steps", "move less than a quarter", "largest")
    print_table(list(head), [[name, kind, *(f"{value:.3f}" for value in values)] for name, kind, *values in rows])
    if asked.just is None:
        write_json(RESULTS / "reimaging.json", {"rows": [dict(zip(head, row, strict=True)) for row in rows]})
    return 0 if all(less >= _LEAST for _, kind, _, less, _ in rows if kind == "within") else 1


if __name__ == "__main__":
    sys.exit(main())
