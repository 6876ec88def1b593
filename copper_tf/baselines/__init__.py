"""Simpler methods beside the nets, on the same splits: what a map or a grade must beat to be worth a network."""

from __future__ import annotations

from copper_tf.baselines.features import FEATURES
from copper_tf.baselines.graders import GRADERS, grade_pictures
from copper_tf.baselines.maps import at_area, gradient_energy, grey_map

__all__ = ["FEATURES", "GRADERS", "at_area", "grade_pictures", "gradient_energy", "grey_map"]
