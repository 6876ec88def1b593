"""Metadata of an exported model: what its user must know and its graph can't hold. Without TensorFlow."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, ClassVar

from copper_tf.config import Config
from copper_tf.data.normalisation import Normalisation
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.labels import Labels
from copper_tf.runs.plugins import config_without_plugins
from copper_tf.runs.records import HypothesisRecord
from copper_tf.runs.run import BEST, Run
from tfds_copper.errors import CopperError, RunError
from tfds_copper.files import parsed_json
from tfds_copper.micrograph import ReadSettings
from tfds_copper.results import FORMAT_KEY, Result
from tfds_copper.text import first_line

__all__ = [
    "INPUT",
    "KEY",
    "MASK",
    "POTENCY",
    "PROBABILITIES",
    "SUMMARY",
    "ExportResult",
    "ExportedFormat",
    "ModelMetadata",
]

# The key of our metadata in those of an ONNX or OpenVINO file.
KEY = "copper"
# The file of an `ExportResult` in the folder of an export.
SUMMARY = "export.json"
# Names of the input and of the outputs of an exported model, the same in every format.
INPUT, MASK, POTENCY, PROBABILITIES = "grey", "mask", "potency", "probabilities"
_FORMAT = "copper-model 1"


def _hash(run: Run) -> str:
    """SHA-256 over the run's settings and weights."""
    digest = hashlib.sha256(run.config.to_json().encode())
    digest.update((run.checkpoints / BEST).read_bytes())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """What is stored in each file of an export.

    Attributes:
        config: the settings of the run that was exported.
        labels: the labels it grades by, with the unit of t.
        normalisation: what its graph does to grey values; here for the reader.
        hypothesis_record: the g it was trained for.
        hypothesis_note: what every result must mention of a g that was learned; empty for a given hypothesis.
        caveats: what every result must mention.
        pixel_sizes_nm: how many pictures of its data have each pixel size; ``nan`` is unknown.
        reading: how the files of its data were read.
        reference_statistics: of its training pictures; None where its run has none.
        fingerprint: of the dataset.
        run_sha256: hash over the run's settings and weights.
        versions: of what made it.
    """

    config: Config
    labels: Labels
    normalisation: Normalisation
    hypothesis_record: HypothesisRecord
    hypothesis_note: str
    caveats: tuple[str, ...]
    pixel_sizes_nm: dict[str, int]
    reading: ReadSettings
    reference_statistics: ReferenceStatistics | None
    fingerprint: str
    run_sha256: str
    versions: dict[str, str]

    @classmethod
    def of(cls, run: Run) -> ModelMetadata:
        """The metadata of a trained run."""
        # Reading a metadata needs none of it.
        from copper_tf.runs.provenance import versions

        return cls(
            config=run.config,
            labels=run.labels,
            normalisation=run.normalisation,
            hypothesis_record=run.hypothesis_record,
            hypothesis_note=run.hypothesis_note,
            caveats=tuple(run.caveats),
            pixel_sizes_nm=run.pixel_sizes_nm,
            reading=run.reading,
            reference_statistics=run.reference_statistics,
            fingerprint=run.data["fingerprint"],
            run_sha256=_hash(run),
            versions=dict(versions()),
        )

    def to_json(self) -> str:
        """The metadata as it is stored."""
        return json.dumps(
            {
                FORMAT_KEY: _FORMAT,
                "input": f"{INPUT}: (batch, height, width, 1) float32, raw grey value / full scale (255, 4095, 65535)",
                "kind": self.config.kind,
                "times": list(self.labels.times),
                "unit": self.labels.unit,
                "hypothesis": self.hypothesis_record.to_dict(),
                "hypothesis_note": self.hypothesis_note,
                "caveats": list(self.caveats),
                "pixel_sizes_nm": self.pixel_sizes_nm,
                "reading": self.reading.to_dict(),
                "normalisation": self.normalisation.to_dict(),
                "reference_statistics": self.reference_statistics.to_dict() if self.reference_statistics else None,
                "config": self.config.to_dict(),
                "dataset_fingerprint": self.fingerprint,
                "run_sha256": self.run_sha256,
                "versions": self.versions,
            },
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str, name: str) -> ModelMetadata:
        """The inverse of `to_json`.

        Args:
            text: what was stored.
            name: of the file it comes from, for the error.

        Raises:
            RunError: if it is damaged, or of another version.
        """
        try:
            values: dict[str, Any] = parsed_json(text)
            if values.get(FORMAT_KEY) != _FORMAT:
                raise ValueError(f"{values.get(FORMAT_KEY)!r}, while this version of copper-tf reads {_FORMAT!r}")
            return cls(
                config=config_without_plugins(values["config"]),
                labels=Labels(tuple(values["times"]), values["unit"]),
                normalisation=Normalisation.from_dict(values["normalisation"]),
                hypothesis_record=HypothesisRecord.from_dict(values["hypothesis"]),
                hypothesis_note=str(values["hypothesis_note"]),
                caveats=tuple(values["caveats"]),
                pixel_sizes_nm=dict(values["pixel_sizes_nm"]),
                reading=ReadSettings.from_dict(values["reading"]),
                reference_statistics=ReferenceStatistics.from_dict(values["reference_statistics"])
                if values["reference_statistics"]
                else None,
                fingerprint=values["dataset_fingerprint"],
                run_sha256=values["run_sha256"],
                versions=dict(values["versions"]),
            )
        except (CopperError, ValueError, KeyError, TypeError) as error:
            reason = first_line(error)
            raise RunError(f"{name}: must be an intact export of `copper export`. Received: {reason}") from None


@dataclasses.dataclass(frozen=True)
class ExportedFormat:
    """One format of an export, and how far its results are from those of the run.

    Attributes:
        file: relative to the folder of the export.
        largest: difference at any pixel of a map, or of any probability.
        mean: difference averaged over the map, or the probabilities, of a picture.
        potency: difference of a picture's potency; 0 from a classifier.
        pictures: how many were compared.
    """

    file: str
    largest: float
    mean: float
    potency: float
    pictures: int


@dataclasses.dataclass(frozen=True)
class ExportResult(Result):
    """What `copper_tf.export` returns, and ``export.json`` in the folder of an export.

    Attributes:
        run_sha256: hash over the run's settings and weights.
        formats: each format that was written and verified, by name.
    """

    FORMAT: ClassVar[str] = "copper-export 1"

    run_sha256: str
    formats: dict[str, ExportedFormat]
