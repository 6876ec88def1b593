"""Everything that is needed to make results again: commands, versions, hashes, and what it cost."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import platform
import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.config import Config, default_config, unread_settings
from copper_tf.models.architecture import network_of
from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import BEST, Run
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from copper_tf.report.full.models import Member

__all__ = ["SHORT", "build_command", "cost", "sha256", "software", "training_command", "versions", "weights"]

# What stands at the foot of every page, and what else has a part in the numbers.
SHORT = ("copper-tf", "tensorflow", "keras", "tensorflow-datasets", "numpy")
_ALL = (*SHORT, "scipy", "scikit-learn", "scikit-image", "tifffile", "imagecodecs", "pillow", "matplotlib")


def versions(packages: Sequence[str] = SHORT) -> list[tuple[str, str]]:
    """(package, version) of what makes the results."""
    found = []
    for name in packages:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def software() -> dict[str, str]:
    """Versions of Python, of the system and of every package that has a part in the numbers."""
    return {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"} | dict(
        versions(_ALL)
    )


def sha256(file: Path) -> str:
    """The SHA-256 of a file, as hexadecimal text."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def weights(member: Member) -> list[dict[str, Any]]:
    """``file`` (relative to the member), ``bytes`` and ``sha256`` of the weights of each of its runs."""
    files = [run.checkpoints / BEST for run in member.parts]
    return [
        {"file": str(file.relative_to(member.path)), "bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in files
    ]


def training_command(config: Config, data: Path | str, output: str = "RUN") -> str:
    """The command that trains a run again, with the flags that its kind reads and whose values aren't the default.

    Args:
        config: of the run.
        data: the dataset.
        output: what the new run is called in it.
    """
    default = default_config(config.kind).flat()
    changed = {n: v for n, v in config.flat().items() if v != default[n] and n not in unread_settings(config.kind)}
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in changed.items()]
    return " ".join(["copper train", config.kind, shlex.quote(str(data)), f"-o {shlex.quote(output)}", *flags])


def build_command(described: Mapping[str, Any], output: str = "DATA") -> str:
    """The command that builds a dataset again.

    Args:
        described: the dataset's metadata.
        output: what the new dataset is called in it.
    """
    flags = []
    for group, values in ((SplitSettings, described["settings"]), (ReadSettings, described["reading"])):
        for field in setting_fields(group):
            # The datasets of all folds are built by one command.
            if field.name == "fold" or values.get(field.name, field.default) == field.default:
                continue
            value = values[field.name]
            name = f"--{field.name.replace('_', '-')}"
            flags.append(name if value is True else f"{name} {shlex.quote(str(value))}")
    return " ".join(["copper build", shlex.quote(Path(described["source"]).name), f"-o {output}", *flags])


def _steps(run: Run, epochs: int) -> int:
    """Training steps of so many epochs."""
    crops = run.config.data.crops * int(run.data["pictures"]["train"])
    return epochs * math.ceil(crops / run.config.training.batch_size)


def cost(run: Run) -> dict[str, Any] | None:
    """What training took: as `TrainingRecord` has it, with ``steps``; None where that is missing.

    Args:
        run: one run, no folder of several.
    """
    if not run.has(TrainingRecord):
        return None
    record = run.read(TrainingRecord)
    return {
        **dataclasses.asdict(record),
        "receptive_field_px": network_of(run.config).receptive_field,
        "steps": _steps(run, record.epochs),
    }
