"""Whether the maps of a run can be believed: tests that need no true mask, and one verdict of them."""

from __future__ import annotations

from copper_tf.trust.verdict import EXAMPLES, TRUST

__all__ = ["EXAMPLES", "TRUST"]
