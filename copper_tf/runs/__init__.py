"""The run folder: all that is known of one trained model.

Everything shown here is imported when it is first used.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
