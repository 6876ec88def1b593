"""What the baselines write and what it is called; all that a page needs of them."""

from __future__ import annotations

__all__ = ["ALARM_QWK", "BASELINES", "MAPS", "PATCHES"]

# scores/baselines.json and scores/baselines.npz.
BASELINES, PATCHES = "baselines", "baselines.npz"
# Above this QWK of the first-order histogram, brightness alone tells the label.
ALARM_QWK = 0.4

MAPS = {
    "net": "this segmenter",
    "grey": "grey threshold",
    "gradient": "gradient energy",
    "gradcam": "Grad-CAM of the classifier",
}
