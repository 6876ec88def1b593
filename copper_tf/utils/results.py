"""Where the base of all results was until `tfds_copper.results`; goes once nothing imports it."""

from __future__ import annotations

from tfds_copper.results import FORMAT_KEY, Result

__all__ = ["FORMAT_KEY", "Result"]
