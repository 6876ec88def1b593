"""Networks as descriptions and as Keras models: builders, layers, heads, decoders, losses and metrics.

Everything shown here is imported when it is first used; only what needs Keras imports it.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
