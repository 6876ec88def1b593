"""The colours of all pages and figures, as CSS and matplotlib write them; maps and splits have theirs in `drawing`."""

from __future__ import annotations

__all__ = ["ACCENT", "CORRECT", "EDGE", "ERROR", "INK", "LINE", "MUTED", "WARNING"]

# Text, and text of less importance.
INK, MUTED = "#1d2126", "#5b6470"
# Rules between sections, and borders of controls.
LINE, EDGE = "#d9dde2", "#aab2bb"
# Links, chosen buttons and verdicts.
ACCENT = "#0b5c8f"
# What is right, what to be careful about, and what is wrong.
CORRECT, WARNING, ERROR = "#00795a", "#b54a00", "#b3261e"
