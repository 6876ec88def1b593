"""Whether a picture is like those a model was trained on; NumPy and SciPy only."""

from copper_tf.familiarity.familiar import Familiar, Likeness
from copper_tf.familiarity.traits import GROUPS, SIDE, Traits, traits

__all__ = ["GROUPS", "SIDE", "Familiar", "Likeness", "Traits", "traits"]
