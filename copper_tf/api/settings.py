"""What a command line or a form needs to know of the settings, and the errors that wrong ones raise."""

from __future__ import annotations

from copper_tf.config import DEFAULT, GROUPS, KINDS, PAPER, PRESETS, default_config, unread_settings
from copper_tf.data.sources import data_settings
from tfds_copper.errors import CopperError, InputError, OutputError, RunError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.settings import Group, field_types, setting_fields
from tfds_copper.splits.assign import SplitSettings

__all__ = [
    "DEFAULT",
    "GROUPS",
    "KINDS",
    "PAPER",
    "PRESETS",
    "CopperError",
    "Group",
    "InputError",
    "OutputError",
    "Progress",
    "ReadSettings",
    "RunError",
    "SettingError",
    "SplitSettings",
    "data_settings",
    "default_config",
    "field_types",
    "setting_fields",
    "training_settings",
    "unread_settings",
]


def training_settings(values: dict[str, object]) -> dict[str, object]:
    """Picks the settings of a `Config` out of named values.

    Args:
        values: settings by name, those of other groups among them.
    """
    names = {f.name for group in GROUPS.values() for f in setting_fields(group)}
    return {name: value for name, value in values.items() if name in names}
