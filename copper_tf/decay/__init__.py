"""Laws of decay: hypotheses g, families of laws and their fits, the ageing curve estimated from label means."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
