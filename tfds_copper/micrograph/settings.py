"""How pictures are read: what the user may overrule."""

from __future__ import annotations

import dataclasses
import re

from tfds_copper.errors import SettingError
from tfds_copper.micrograph.depth import DEPTHS
from tfds_copper.settings import Group, setting

__all__ = ["AUTO", "KEEP", "ReadSettings"]

AUTO, KEEP = "auto", "keep"
# Rows off the bottom, or off the top and the bottom, not both 0.
_ROWS = re.compile(r"(?!0*/?0*$)([0-9]{1,5}/)?[0-9]{1,5}", re.ASCII)


@dataclasses.dataclass(frozen=True)
class ReadSettings(Group):
    """What is done to a picture between its file and the dataset."""

    bar: str = setting(
        AUTO, "information bar: auto finds it by metadata or by looking, or takes what a model's data were read with; "
        "keep cuts nothing, a number cuts so many rows off the bottom, two such as 24/30 off the top and the bottom"
    )  # fmt: skip
    bit_depth: int = setting(
        0, "bits of the grey values in files of 16 bits, overruling what files say: 12 where full scale is 4095; "
        "0: as they say, else 16", choices=(0, *DEPTHS), unit="bit"
    )  # fmt: skip
    pixel_size: float = setting(0.0, "pixel size of all pictures, overruling what files say; 0: as they say", low=0.0,
                                high=1e6, unit="nm")  # fmt: skip
    resample: float = setting(0.0, "common pixel size to average every picture to, never below its own; 0: as recorded",
                              low=0.0, high=1e6, unit="nm")  # fmt: skip
    max_pixels: int = setting(10**9, "largest picture that is opened", low=1, unit="px")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bar not in (AUTO, KEEP) and not _ROWS.fullmatch(self.bar):
            raise SettingError(
                f"bar must be {AUTO}, {KEEP} or a number of rows above 0, or two such as 24/30. Received: {self.bar!r}"
            )

    @property
    def bar_rows(self) -> tuple[int, int]:
        """The rows that the user wants cut off the top and off the bottom; 0 and 0 where the picture decides."""
        if self.bar in (AUTO, KEEP):
            return 0, 0
        above, _, below = self.bar.rpartition("/")
        return int(above or 0), int(below)
