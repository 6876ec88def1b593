"""The settings of the synthetic world: how many pictures, of what, and how the truth scatters."""

from __future__ import annotations

import dataclasses

import numpy as np

from copper_tf.decay.hypotheses import HYPOTHESES, hypothesis_values
from tfds_copper.errors import SettingError
from tfds_copper.settings import Group, setting

__all__ = ["LAWS", "WORLDS", "SimulationSettings"]

# A law of decay falls all the way: the other hypotheses can be tested against a world, but none follows them.
LAWS = tuple(name for name in HYPOTHESES.builtin if np.all(np.diff(hypothesis_values(name, range(9))) < 0))
WORLDS = ("binary", "gradual", "null", "confound")

_MIN_SIDE = 64


@dataclasses.dataclass(frozen=True)
class SimulationSettings(Group):
    """What `simulate` draws; the same settings always give the same pixels.

    Raises:
        SettingError: if a value is not allowed, or two of them contradict each other.
    """

    labels: int = setting(16, "labels K; the stress times are t = 0 .. K - 1", low=2, high=1000)
    pictures: int = setting(50, "pictures per label", low=1)
    sheets: int = setting(10, "sheets (physical samples) per label; at most one per picture", low=1)
    lots: int = setting(3, "production lots; the sheets of every label go to them in turn", low=1)
    height: int = setting(960, "rows of a picture, information bar included", low=_MIN_SIDE, unit="px")
    width: int = setting(1280, "columns of a picture", low=_MIN_SIDE, unit="px")
    law: str = setting(
        "sqrt", "the shape of the true ageing curve f: the rough share of the surface over t", choices=LAWS
    )
    start: float = setting(1.0, "the true rough share f at the first t", low=0.0, high=1.0)
    end: float = setting(0.0, "the true rough share f at the last t", low=0.0, high=1.0)
    contrast: float = setting(
        1.0,
        "how far the two phases differ in texture: 1 as etched and levelled copper do, near 0 hardly at all",
        low=0.05,
        high=1.0,
    )
    sheet_variation: float = setting(
        1.0,
        "factor on how far grain size, contrast, brightness, focus and detector differ from sheet to sheet",
        low=0.0,
        high=5.0,
    )
    world: str = setting(
        "binary",
        "binary (rough and smooth domains), or a control: gradual (roughness f(t) everywhere, no domains), "
        "null (texture independent of t), confound (brightness follows t)",
        choices=WORLDS,
    )
    sheet_sd: float = setting(0.0, "scatter of a sheet's true share about f(t), standard deviation", low=0.0, high=0.5)
    lot_sd: float = setting(0.0, "scatter of a lot's true share about f(t), standard deviation", low=0.0, high=0.5)
    scale: float = setting(1.0, "factor on every length of the surface: domains, grains, nodules", low=0.5, high=4.0)
    bar: int = setting(0, "rows of the information bar at the bottom; 0 for none", low=0, unit="px")
    bit_depth: int = setting(8, "bits of a grey value", choices=(8, 16))
    pixel_size_nm: float = setting(100.0, "pixel size written beside the pictures and on the bar", low=0.01, unit="nm")
    peel: bool = setting(
        False, "also write operator, microscope, date, etch depth and peel strength of every sheet into labels.csv"
    )
    peel_follows: str = setting(
        "area", "what the simulated strength follows: the true area, or age alone (a control)", choices=("area", "age")
    )
    tables: int = setting(0, "write so many score tables instead of pictures; needs peel", low=0, high=100_000)
    picture_sd: float = setting(
        0.04,
        "in score tables: scatter of the potency of a picture about its sheet, standard deviation",
        low=0.0,
        high=0.5,
    )
    operators: int = setting(2, "operators who image every sheet in turn; needs peel", low=1, high=100)
    microscopes: int = setting(2, "microscopes that image every sheet in turn; needs peel", low=1, high=100)
    operator_sd: float = setting(
        0.01, "in score tables: how far operators differ in potency, standard deviation", low=0.0, high=0.5
    )
    microscope_sd: float = setting(
        0.01, "in score tables: how far microscopes differ in potency, standard deviation", low=0.0, high=0.5
    )
    seed: int = setting(0, "seed of everything random", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sheets > self.pictures:
            limit = f"sheets must be at most pictures ({self.pictures}), since every sheet needs one"
            raise SettingError(f"{limit}. Received: {self.sheets}")
        if self.lots > self.sheets:
            limit = f"lots must be at most sheets ({self.sheets}), since every lot needs one of each label"
            raise SettingError(f"{limit}. Received: {self.lots}")
        if self.tables and not self.peel:
            raise SettingError(
                f"tables must be 0 unless peel is on, since they hold strengths. Received: {self.tables}"
            )
        if self.bar and not 16 <= self.bar <= self.height - _MIN_SIDE:
            limit = f"bar must be 0, or from 16 rows to {_MIN_SIDE} less than height ({self.height})"
            raise SettingError(f"{limit}. Received: {self.bar}")

    def times(self) -> list[int]:
        """The stress times t, one per label."""
        return list(range(self.labels))

    def law_values(self) -> np.ndarray:
        """f(t) of every label, shape (labels,): of the law's shape, from `start` to `end`."""
        return self.end + (self.start - self.end) * hypothesis_values(self.law, self.times())
