"""What a command line needs of the system that it runs on."""

from __future__ import annotations

from copper_tf.utils.compat import interrupt_on_sigterm
from tfds_copper.children import safe_children
from tfds_copper.files import DISK_FULL, is_disk_full

__all__ = ["DISK_FULL", "interrupt_on_sigterm", "is_disk_full", "safe_children"]
