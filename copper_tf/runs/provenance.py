"""What makes results again: commands, versions, hashes, and what training took."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import platform
import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from copper_tf.config import DEFAULT, PRESETS, Config, default_config, unread_settings
from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import BEST, Run
from tfds_copper.copper_sem.metadata import DatasetMetadata
from tfds_copper.settings import setting_fields

__all__ = [
    "SHORT",
    "TrainingCost",
    "WeightsFile",
    "build_command",
    "sha256",
    "software",
    "training_command",
    "training_cost",
    "versions",
    "weights",
]

# Packages at the foot of every page, and all that have a part in the numbers.
SHORT = ("copper-tf", "tensorflow", "keras", "tensorflow-datasets", "numpy")
_ALL = (*SHORT, "scipy", "scikit-learn", "scikit-image", "tifffile", "imagecodecs", "pillow", "matplotlib")


@dataclasses.dataclass(frozen=True)
class TrainingCost:
    """What the training of one run took.

    Attributes:
        record: as training wrote it.
        steps: training steps.
    """

    record: TrainingRecord
    steps: int


@dataclasses.dataclass(frozen=True)
class WeightsFile:
    """The weights of one run.

    Attributes:
        file: path in the folder of the model.
        bytes: size.
        sha256: hash, hexadecimal.
    """

    file: str
    bytes: int
    sha256: str


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


def weights(runs: Sequence[Run], folder: Path) -> tuple[WeightsFile, ...]:
    """The weights of each run.

    Args:
        runs: trained.
        folder: that they lie in, or are.
    """
    files = [run.checkpoints / BEST for run in runs]
    return tuple(WeightsFile(str(file.relative_to(folder)), file.stat().st_size, sha256(file)) for file in files)


def training_command(config: Config, data: Path | str, output: str = "RUN") -> str:
    """The command that trains a run again: the preset nearest to it, and flags of its kind for what differs.

    Args:
        config: of the run.
        data: the dataset.
        output: name of the new run.
    """
    own = {name: value for name, value in config.flat().items() if name not in unread_settings(config.kind)}
    usual = {preset: default_config(config.kind, preset).flat() for preset in PRESETS}
    changes = {preset: {n: v for n, v in own.items() if v != usual[preset][n]} for preset in PRESETS}
    preset = min(changes, key=lambda name: len(changes[name]))
    flags = [] if preset == DEFAULT else [f"--preset {preset}"]
    flags += [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in changes[preset].items()]
    return " ".join(["copper train", config.kind, shlex.quote(str(data)), f"-o {shlex.quote(output)}", *flags])


def build_command(dataset: DatasetMetadata) -> str:
    """The command that builds a dataset again.

    Args:
        dataset: its metadata.
    """
    flags = []
    for group in (dataset.settings, dataset.reading):
        for field in setting_fields(type(group)):
            value = getattr(group, field.name)
            # The datasets of all folds are built by one command.
            if field.name == "fold" or value == field.default:
                continue
            name = f"--{field.name.replace('_', '-')}"
            flags.append(name if value is True else f"{name} {shlex.quote(str(value))}")
    return " ".join(["copper build", shlex.quote(Path(dataset.source).name), "-o DATA", *flags])


def training_cost(run: Run) -> TrainingCost | None:
    """What training took; None where that isn't known.

    Args:
        run: one run, no folder of several.
    """
    if not run.has(TrainingRecord):
        return None
    record = run.read(TrainingRecord)
    crops = run.config.data.crops * int(run.data["pictures"]["train"])
    return TrainingCost(record, record.epochs * math.ceil(crops / run.config.training.batch_size))
