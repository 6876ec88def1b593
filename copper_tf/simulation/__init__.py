"""SEM folders with a known truth: synthetic micrographs of etched copper, their masks, and controls that must fail."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
