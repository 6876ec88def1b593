"""The settings of a blind test."""

from __future__ import annotations

import dataclasses

from tfds_copper.settings import Group, setting

__all__ = ["BlindSettings"]


@dataclasses.dataclass(frozen=True)
class BlindSettings(Group):
    """Which pictures a blind test shows, and how."""

    pictures: int = setting(0, "test pictures to grade, evenly over the labels; 0: the whole test split", low=0)
    practice: int = setting(0, "training pictures to practise on; 0: two of each label", low=0)
    with_map: bool = setting(False, "a second round with the potency map beside each picture")
    seed: int = setting(0, "seed of the choice of pictures; their order comes from a secret of the test", low=0)
