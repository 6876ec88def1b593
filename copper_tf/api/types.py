"""Types of the API that come from below: settings, errors, and how progress is reported."""

from __future__ import annotations

from copper_tf.simulation.settings import SimulationSettings
from tfds_copper.dataset import Dataset
from tfds_copper.errors import CopperError, InputError, OutputError, RunError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SplitSettings

__all__ = [
    "CopperError",
    "Dataset",
    "InputError",
    "OutputError",
    "Progress",
    "ReadSettings",
    "RunError",
    "SettingError",
    "SimulationSettings",
    "SplitSettings",
]
