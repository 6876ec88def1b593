"""Which plug-ins a run was made with: ``plugins.json`` in its folder, where there are any."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from copper_tf.config import DECODERS, HEADS, LOSSES, Config, default_config
from copper_tf.decay.hypotheses import HYPOTHESES
from tfds_copper.errors import RunError, SettingError
from tfds_copper.micrograph.vendors.registry import READERS
from tfds_copper.plugins import Plugin, Registry
from tfds_copper.results import Result

__all__ = [
    "PLUGINS",
    "PluginRecord",
    "check_plugins",
    "config_without_plugins",
    "import_plugins",
    "plugins_of",
    "write_plugins",
]

PLUGINS = "plugins.json"
# By the setting that names one.
_REGISTRIES: Mapping[str, Registry[Any]] = {
    "head": HEADS, "decoder": DECODERS, "loss": LOSSES, "hypothesis": HYPOTHESES,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PluginRecord(Result):
    """The plug-ins that a run was made with.

    Attributes:
        needed: those that its settings name, without which it can't be opened.
        readers: those that pictures may have been read by.
    """

    FORMAT: ClassVar[str] = "copper-plugins 1"

    needed: tuple[Plugin, ...]
    readers: tuple[Plugin, ...]


def plugins_of(config: Config) -> PluginRecord:
    """The plug-ins that the settings of a run name, and the readers that are installed."""
    settings = config.flat()
    needed = (registry.plugin(settings[name]) for name, registry in _REGISTRIES.items())
    readers = (READERS.plugin(name) for name in READERS)
    return PluginRecord(*(tuple(plugin for plugin in plugins if plugin) for plugins in (needed, readers)))


def import_plugins(config: Config) -> None:
    """Imports the plug-ins that the settings name, so that Keras knows their layers and losses."""
    settings = config.flat()
    for name, registry in _REGISTRIES.items():
        if registry.plugin(settings[name]):
            registry[settings[name]]


def config_without_plugins(values: dict[str, Any]) -> Config:
    """The settings that an export was made by, with defaults for the plug-ins that aren't installed.

    An export holds all that its plug-ins did, and is opened where they have never been.

    Args:
        values: of `Config.to_dict`.

    Raises:
        SettingError: if anything else in them is unknown or not allowed.
    """
    usual = default_config(str(values.get("kind", "")))

    def known(name: str, value: Any) -> bool:
        with contextlib.suppress(SettingError):
            return bool(usual.replace(**{name: value}))
        return False

    groups = {
        name: {k: v for k, v in group.items() if k not in _REGISTRIES or not isinstance(v, str) or known(k, v)}
        if isinstance(group, dict)
        else group
        for name, group in values.items()
    }
    return Config.from_dict(groups)


def write_plugins(folder: Path, config: Config) -> None:
    """Writes ``plugins.json`` into the folder of a new run, where it was made with any."""
    record = plugins_of(config)
    if record.needed or record.readers:
        record.write(folder / PLUGINS)


def check_plugins(folder: Path) -> None:
    """Refuses a run that can't be opened without a plug-in that isn't there.

    Raises:
        RunError: naming the plug-in, its package and its version.
    """
    if not (folder / PLUGINS).is_file():
        return
    for plugin in PluginRecord.read(folder / PLUGINS).needed:
        if plugin.name not in _REGISTRIES[plugin.kind]:
            raise RunError(
                f"{folder}: needs the {plugin}, which must be installed. Received: no {plugin.kind} {plugin.name!r}"
            )
