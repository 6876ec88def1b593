"""The ageing curve: hypotheses ranked, curves compared, the law named, and whether these data allow any of it."""

from copper_tf.ageing.gathering import Group, gather

__all__ = ["Group", "gather"]
