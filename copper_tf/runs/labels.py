"""The labels of a run: its stress times, and how they are printed."""

from __future__ import annotations

import dataclasses

from tfds_copper.folder.times import label_names

__all__ = ["Labels"]


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels of a run.

    Attributes:
        times: stress time t of each label, ascending.
        unit: unit of t, "" where unknown.
    """

    times: tuple[float, ...]
    unit: str

    @property
    def names(self) -> tuple[str, ...]:
        """What to print for each label, e.g. ``"2.5 h"``."""
        return label_names(self.times, self.unit)

    @property
    def axis(self) -> str:
        """The caption of a time axis."""
        return f"stress time t ({self.unit})" if self.unit else "stress time t"
