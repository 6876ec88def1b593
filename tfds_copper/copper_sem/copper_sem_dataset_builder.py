"""The TFDS dataset `copper_sem`: a SEM folder as sharded TFRecords."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_copper.copper_sem.place import METADATA_FORMAT, build_lock, built_datasets, remove_unfinished
from tfds_copper.copper_sem.writer import SteadyWriter
from tfds_copper.errors import InputError, OutputError
from tfds_copper.fingerprint import Progress, folder_fingerprint
from tfds_copper.folder import Picture, SemFolder, scan
from tfds_copper.micrograph import read, read_mask
from tfds_copper.splits import SPLITS, SplitSettings, assign
from tfds_copper.times import time_text

__all__ = ["Builder", "CopperSemConfig"]

_DEFAULTS = SplitSettings()


@dataclasses.dataclass(eq=False)
class CopperSemConfig(tfds.core.BuilderConfig):
    """The split settings; on the command line ``--config '{"split": "50/25/25", "min_sheets": 3}'``.

    The name follows from the settings, so that datasets with different splits lie side by side.
    """

    name: str = ""
    split: str = _DEFAULTS.split
    min_sheets: int = _DEFAULTS.min_sheets
    seed: int = _DEFAULTS.seed

    def __post_init__(self) -> None:
        settings = self.settings
        self.name = f"split_{settings.split.replace('/', '_')}_sheets_{settings.min_sheets}_seed_{settings.seed}"
        self.description = f"{settings.split} train/validation/test pictures per label, seed {settings.seed}."

    @property
    def settings(self) -> SplitSettings:
        """The settings as `tfds_copper.splits` takes them."""
        return SplitSettings(split=self.split, min_sheets=self.min_sheets, seed=self.seed)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `copper_sem` from the SEM folder given as manual_dir."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Give your SEM folder, FOLDER/<class>/<picture>, as --manual_dir FOLDER."
    BUILDER_CONFIGS = [CopperSemConfig()]

    def __init__(self, *, config: Any = None, **kwargs: Any) -> None:
        # TFDS refuses a second config of a known name, even an equal one.
        known = isinstance(config, CopperSemConfig) and config.name in self.builder_configs
        super().__init__(config=config.name if known else config, **kwargs)
        self.progress: Progress | None = None
        self._checked: tuple[SemFolder, str] | None = None

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict(
            {
                "picture": tfds.features.Image(shape=(None, None, 1), dtype=np.uint16, encoding_format="png"),
                "bit_depth": tfds.features.Scalar(dtype=np.int32),
                "label": tfds.features.ClassLabel(),
                "t": tfds.features.Scalar(dtype=np.float32),
                "sheet": tfds.features.Text(),
                "file": tfds.features.Text(),
                "pixel_size_nm": tfds.features.Scalar(dtype=np.float32),
                "truth": tfds.features.Image(shape=(None, None, 1), dtype=np.uint8, encoding_format="png"),
                "has_truth": tfds.features.Scalar(dtype=np.bool_),
                "columns": tfds.features.Text(),
            }
        )
        return self.dataset_info_from_configs(
            features=features,
            supervised_keys=("picture", "label"),
            homepage="https://arxiv.org/abs/1910.11033",
            metadata=tfds.core.MetadataDict(),
        )

    def download_and_prepare(self, *, download_config: Any = None, **kwargs: Any) -> None:
        """Builds the dataset; refuses a place that holds the dataset of another folder.

        Raises:
            InputError: if the SEM folder can't be used.
            OutputError: if `data_dir` already holds the dataset of another folder.
        """
        download_config = download_config or tfds.download.DownloadConfig()
        if download_config.manual_dir is not None:
            self._check(download_config.manual_dir)
        with build_lock(self._data_dir_root):
            self._refuse_another(overwrite=download_config.download_mode.overwrite_dataset)
            remove_unfinished(self.data_dir)
            super().download_and_prepare(download_config=download_config, **kwargs)

    def _example_writer(self) -> SteadyWriter:
        return SteadyWriter(self.info.file_format)

    def _log_download_bytes(self) -> None:
        # TFDS would print that something is downloaded, of unknown size.
        pass

    def _log_download_done(self) -> None:
        # As above; the command line prints the result itself.
        pass

    def _check(self, manual_dir: Any) -> tuple[SemFolder, str]:
        """The scanned folder and its fingerprint, taken once."""
        if self._checked is None or str(self._checked[0].root) != str(manual_dir):
            folder = scan(str(manual_dir))
            self._checked = (folder, folder_fingerprint(folder, self.progress))
        return self._checked

    def _refuse_another(self, overwrite: bool) -> None:
        if self._checked is None:
            return
        folder, fingerprint = self._checked
        for path, metadata in built_datasets(self._data_dir_root):
            if overwrite and path == Path(self.data_dir):
                continue
            if metadata.get("folder_fingerprint") != fingerprint:
                raise OutputError(
                    f"{path}: holds the dataset of other files or labels, from {metadata.get('source')}; build into "
                    f"another folder or remove it first. Received: {folder.root}"
                )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        try:
            manual_dir = dl_manager.manual_dir
        except AssertionError as error:
            raise InputError("manual_dir must be the SEM folder, FOLDER/<class>/<picture>. Received: none") from error
        folder, fingerprint = self._check(manual_dir)
        settings = self.builder_config.settings
        where = assign(folder.pictures, settings)
        shares = {name: [p for p in folder.pictures if where[p.file] == name] for name in SPLITS}
        self.info.features["label"].names = [time_text(t) for t in folder.times]
        self.info.metadata.update(_metadata(folder, fingerprint, settings, shares))
        self._done, self._notes = 0, collections.Counter[str]()
        return {name: self._generate_examples(folder, share) for name, share in shares.items()}

    def _generate_examples(self, folder: SemFolder, pictures: list[Picture]) -> Iterator[tuple[str, dict[str, Any]]]:
        for picture in pictures:
            example, notes = _example(folder.root, picture)
            self._notes.update(notes)
            # TFDS writes the metadata after the last example.
            self.info.metadata["notes"] = dict(sorted(self._notes.items()))
            yield picture.file, example
            self._done += 1
            if self.progress is not None:
                self.progress(self._done, len(folder.pictures), "writing")


def _png(values: np.ndarray) -> bytes:
    # 15 times as fast as the encoder that TFDS would use, for files of the same size.
    import imagecodecs

    return bytes(imagecodecs.png_encode(values, level=1, filter=imagecodecs.PNG.FILTER.AVG))


def _example(root: Path, picture: Picture) -> tuple[dict[str, Any], tuple[str, ...]]:
    micrograph = read(root / picture.file)
    truth = np.zeros((1, 1), np.uint8) if picture.truth is None else read_mask(picture.truth)
    if picture.truth is not None and truth.shape != micrograph.pixels.shape:
        height, width = micrograph.pixels.shape
        raise InputError(
            f"{picture.truth}: a true mask must have its picture's size, {width} x {height}. "
            f"Received: {truth.shape[1]} x {truth.shape[0]}"
        )
    known = np.isfinite(picture.pixel_size_nm)
    example = {
        "picture": _png(micrograph.pixels.astype(np.uint16)),
        "bit_depth": micrograph.bit_depth,
        "label": picture.label,
        "t": picture.t,
        "sheet": picture.sheet,
        "file": picture.file,
        "pixel_size_nm": picture.pixel_size_nm if known else micrograph.pixel_size_nm,
        "truth": _png(truth),
        "has_truth": picture.truth is not None,
        "columns": json.dumps(dict(picture.columns), ensure_ascii=False),
    }
    return example, micrograph.notes


def _metadata(
    folder: SemFolder, fingerprint: str, settings: SplitSettings, shares: dict[str, list[Picture]]
) -> dict[str, Any]:
    identity = json.dumps([METADATA_FORMAT, fingerprint, settings.to_dict()])
    counts = {
        name: {
            "pictures": len(share),
            "per_label": [sum(p.label == k for p in share) for k in range(len(folder.times))],
            "sheets": sorted({p.sheet for p in share if p.sheet}),
        }
        for name, share in shares.items()
    }
    return {
        "format": METADATA_FORMAT,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "folder_fingerprint": fingerprint,
        "source": str(folder.root.resolve()),
        "times": list(folder.times),
        "unit": folder.unit,
        "settings": settings.to_dict(),
        "splits": counts,
        "columns": list(folder.column_names),
        "skipped": dict(folder.skipped),
        "notes": {},
    }
