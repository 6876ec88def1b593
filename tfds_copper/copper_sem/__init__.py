"""The TFDS dataset `copper_sem`: SEM micrographs with a stress time each."""

from __future__ import annotations

# Nothing of TFDS is imported here: `tfds build` imports this folder under a second name, and a builder
# class that is defined under both can't be registered.
from tfds_copper.copper_sem.build_dataset import build, build_survey

__all__ = ["build", "build_survey"]
