"""Studies of sheets with a known truth: area, potency, and the peel strength that follows a stated law; no pictures.

The interface of a sheet holds ``0.25 + 0.9 a`` N/mm, a being its true share of rough area (in the control `age`: the
share that the law has for its age), plus what its lot adds (standard deviation 0.06) and what it adds itself (0.05).
The resin holds 1.05 N/mm (0.04): where the interface is stronger, the resin fails (cohesive) and its strength is
measured instead. The etch depth is ``1.2 + 0.6 a`` µm (0.12).
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from copper_tf.simulation.settings import SimulationSettings
from tfds_copper.cells import write_rows

__all__ = [
    "STRENGTH_KEY",
    "Strengths",
    "Studies",
    "draw_strengths",
    "draw_studies",
    "measured_columns",
    "study_rows",
    "study_table",
]

_STRENGTH, _LOT_SD, _SHEET_SD = (0.25, 0.9), 0.06, 0.05
_RESIN, _RESIN_SD = 1.05, 0.04
_DEPTH, _DEPTH_SD = (1.2, 0.6), 0.12
# No interface holds less.
_WEAKEST = 0.01
_FIRST_DAY = datetime.date(2026, 1, 5)
# The first number of every random key.
STRENGTH_KEY, _SCORES = 21, 22


@dataclasses.dataclass(frozen=True)
class Strengths:
    """What is measured on sheets; arrays of shape ``(studies, sheets)``.

    Attributes:
        interface: what the interface holds, N/mm; the truth, which a cohesive failure hides.
        peel: what a peel test measures, N/mm.
        cohesive: whether the resin failed, and the interface holds more.
        depth: etch depth, µm.
    """

    interface: np.ndarray
    peel: np.ndarray
    cohesive: np.ndarray
    depth: np.ndarray


@dataclasses.dataclass(frozen=True)
class Studies:
    """Many studies of the same design.

    Attributes:
        label: rank of t of each sheet, ``(sheets,)``.
        lot: number of the lot of each sheet, ``(sheets,)``.
        area: true share of rough area, ``(studies, sheets)``.
        potency: of each picture, ``(studies, sheets, pictures)``.
        strengths: of the sheets.
        reference: potency of a sheet that is imaged on every day, ``(studies, days, pictures)``.
    """

    label: np.ndarray
    lot: np.ndarray
    area: np.ndarray
    potency: np.ndarray
    strengths: Strengths
    reference: np.ndarray


def draw_strengths(
    settings: SimulationSettings, area: np.ndarray, label: np.ndarray, lot: np.ndarray, rng: np.random.Generator
) -> Strengths:  # fmt: skip
    """The strengths of sheets by the law of this module.

    Args:
        settings: the simulation.
        area: true share of each sheet, ``(studies, sheets)``.
        label: rank of t of each sheet.
        lot: number of the lot of each sheet.
        rng: the source of randomness.
    """
    cause = area if settings.peel_follows == "area" else np.broadcast_to(settings.law_values()[label], area.shape)
    of_lot = rng.normal(0, _LOT_SD, (len(area), settings.lots))[:, lot]
    interface = _STRENGTH[0] + _STRENGTH[1] * cause + of_lot + rng.normal(0, _SHEET_SD, area.shape)
    interface = np.maximum(interface, _WEAKEST)
    resin = rng.normal(_RESIN, _RESIN_SD, area.shape)
    depth = _DEPTH[0] + _DEPTH[1] * area + rng.normal(0, _DEPTH_SD, area.shape)
    return Strengths(interface, np.minimum(interface, resin), interface > resin, np.maximum(depth, 0.0))


@functools.lru_cache(maxsize=1024)
def _seen_by(settings: SimulationSettings, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    """The operator and the microscope of each picture of a sheet, so that all of them meet."""
    k = np.arange(pictures)
    return k % settings.operators, k // settings.operators % settings.microscopes


def draw_studies(settings: SimulationSettings, count: int, first: int = 0) -> Studies:
    """Draws studies; the same settings and numbers always give the same.

    Args:
        settings: the simulation; a sheet has ``pictures // sheets`` pictures.
        count: of the studies.
        first: number of the first of them.
    """
    rng = np.random.default_rng([_SCORES, settings.seed, first])
    label = np.repeat(np.arange(settings.labels), settings.sheets)
    number = np.tile(np.arange(settings.sheets), settings.labels)
    lot, pictures = number % settings.lots, settings.pictures // settings.sheets
    shape = (count, len(label))
    area = settings.law_values()[label] + rng.normal(0, settings.lot_sd, (count, settings.lots))[:, lot]
    area = np.clip(area + rng.normal(0, settings.sheet_sd, shape), 0, 1)
    operator, microscope = _seen_by(settings, pictures)
    seen = rng.normal(0, settings.operator_sd, (count, settings.operators))[:, operator]
    seen = seen + rng.normal(0, settings.microscope_sd, (count, settings.microscopes))[:, microscope]
    potency = area[:, :, None] + seen[:, None] + rng.normal(0, settings.picture_sd, (*shape, pictures))
    middle = np.full((count, settings.sheets, pictures), float(settings.law_values().mean()))
    reference = middle + seen[:, None] + rng.normal(0, settings.picture_sd, middle.shape)
    strengths = draw_strengths(settings, area, label, lot, rng)
    return Studies(label, lot, area, potency, strengths, reference)


def measured_columns(
    settings: SimulationSettings, of: Strengths, sheet: int, number: int, picture: int
) -> dict[str, Any]:
    """What is known of a picture beside its score, by column.

    Args:
        settings: the simulation.
        of: the strengths of one study.
        sheet: its number among all sheets.
        number: its number among those of its label; tells its day.
        picture: number of the picture within its sheet; tells operator and microscope.
    """
    operators, microscopes = _seen_by(settings, picture + 1)
    return {
        "operator": f"operator{operators[picture] + 1}",
        "microscope": f"sem{microscopes[picture] + 1}",
        "date": (_FIRST_DAY + datetime.timedelta(days=number)).isoformat(),
        "etch_depth_um": f"{of.depth[0, sheet]:.3f}",
        "peel_N_per_mm": f"{of.peel[0, sheet]:.4f}",
        "failure": "cohesive" if of.cohesive[0, sheet] else "adhesive",
    }


def study_rows(settings: SimulationSettings, number: int) -> Iterator[dict[str, Any]]:
    """The rows of the score table of one study; those of the reference sheet have neither t nor strength.

    Args:
        settings: the simulation.
        number: of the study.
    """
    made = draw_studies(settings, 1, number)
    for sheet, label in enumerate(made.label):
        within = sheet % settings.sheets
        name = f"t{label:02d}-s{within:02d}"
        for k, potency in enumerate(made.potency[0, sheet]):
            known = measured_columns(settings, made.strengths, sheet, within, k)
            row = {"file": f"{name}-p{k:03d}.png", "sheet": name, "lot": f"lot{made.lot[sheet] + 1}", "t": label}
            yield row | known | {"area_drawn": f"{made.area[0, sheet]:.6f}", "potency": f"{potency:.6f}"}
    for day, potencies in enumerate(made.reference[0]):
        for k, potency in enumerate(potencies):
            known = measured_columns(settings, made.strengths, 0, day, k)
            known |= {"etch_depth_um": "", "peel_N_per_mm": "", "failure": ""}
            row = {"file": f"reference-d{day:03d}-p{k:03d}.png", "sheet": "reference", "lot": "", "t": ""}
            yield row | known | {"area_drawn": "", "potency": f"{potency:.6f}"}


def study_table(settings: SimulationSettings, number: int, reference: bool) -> bytes:
    """The score table of a study as CSV: of its sheets, or of the reference sheet.

    Args:
        settings: the simulation.
        number: of the study.
        reference: whether the rows of the reference sheet are taken, or all others.
    """
    rows = [row for row in study_rows(settings, number) if (row["sheet"] == "reference") is reference]
    stream = io.StringIO(newline="")
    write_rows(stream, [list(rows[0]), *(row.values() for row in rows)])
    return stream.getvalue().encode("utf-8")
