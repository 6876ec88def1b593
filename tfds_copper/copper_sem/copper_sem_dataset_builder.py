"""The TFDS dataset `copper_sem`: a SEM folder as sharded TFRecords."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfds_copper.audit.survey import Survey, survey_folder
from tfds_copper.compat import QuietBuilderMixin, one_line_errors, remove_unfinished
from tfds_copper.copper_sem.build_dir import build_lock, built_datasets, writing_errors
from tfds_copper.copper_sem.example import keyed_example
from tfds_copper.copper_sem.features import features
from tfds_copper.copper_sem.metadata import SPLIT_TABLE, dataset_metadata, write_split_table
from tfds_copper.errors import InputError, OutputError
from tfds_copper.folder.fingerprint import folder_fingerprint
from tfds_copper.folder.scan import Picture, scan
from tfds_copper.folder.times import time_text
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.registration import NAME
from tfds_copper.settings import Group, field_types, setting_fields
from tfds_copper.splits.assign import SPLITS, SplitSettings, assign
from tfds_copper.threads import map_ahead

__all__ = ["Builder", "CopperSemConfig"]

_GROUPS: tuple[type[Group], ...] = (SplitSettings, ReadSettings)
_ALWAYS_NAMED = ("split", "min_sheets", "seed")
# The name of the config that Apache Beam builds with default settings.
_BEAM = "beam"


def _fields() -> list[tuple[str, type, Any]]:
    return [(f.name, field_types(g)[f.name], f.default) for g in _GROUPS for f in setting_fields(g)]


_Settings: Any = dataclasses.make_dataclass(
    "_Settings", [("name", str, ""), ("beam", bool, False), *_fields()], bases=(tfds.core.BuilderConfig,), eq=False
)


class CopperSemConfig(_Settings):
    """Every setting of `SplitSettings` and `ReadSettings`, and ``beam``: whether Apache Beam builds it.

    On the command line ``--config '{"split": "50/25/25", "min_sheets": 3}'``. The name follows from the settings, so
    that datasets with different ones lie side by side.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        split, reading = self.split_settings, self.read_settings
        parts = [f"split_{split.split.replace('/', '_')}", f"sheets_{split.min_sheets}", f"seed_{split.seed}"]
        if split.folds:
            parts[0] = f"fold_{split.fold}_of_{split.folds}"
        changed = [
            f"{f.name}_{re.sub('[^0-9A-Za-z.]+', '_', f'{value:g}' if isinstance(value, float) else str(value))}"
            for group in (split, reading)
            for f in setting_fields(group)
            if f.name not in (*_ALWAYS_NAMED, "folds", "fold") and (value := getattr(group, f.name)) != f.default
        ]
        plain = not changed and not split.folds and split.to_dict() == SplitSettings().to_dict()
        self.name = "_".join(([_BEAM] if self.beam else []) + ([] if self.beam and plain else [*parts, *changed]))
        self.description = f"{split.split} train/validation/test pictures per label, seed {split.seed}."

    def _group(self, group: type[Group]) -> Any:
        return group.from_dict({f.name: getattr(self, f.name) for f in setting_fields(group)})

    @property
    def split_settings(self) -> SplitSettings:
        """The settings as `tfds_copper.splits.assign` takes them."""
        split: SplitSettings = self._group(SplitSettings)
        return split

    @property
    def read_settings(self) -> ReadSettings:
        """The settings as `tfds_copper.micrograph` takes them."""
        reading: ReadSettings = self._group(ReadSettings)
        return reading


def _only_config(data_dir: Any) -> CopperSemConfig | None:
    """The config of the one dataset that a data_dir holds, so that ``tfds.load("copper_sem")`` finds it.

    Returns:
        None where it holds none, or the default one.

    Raises:
        InputError: if it holds several others.
    """
    found = {path.parent.name: metadata for path, metadata in built_datasets(data_dir)}
    if not found or CopperSemConfig().name in found:
        return None
    if len({metadata["fingerprint"] for metadata in found.values()}) > 1:
        names = ", ".join(f"{NAME}/{name}" for name in found)
        raise InputError(f"{data_dir}: holds several datasets; load one of them by its name. Received: {names}")
    name, metadata = next(iter(found.items()))
    beam = name.partition("_")[0] == _BEAM
    return CopperSemConfig(beam=beam, **metadata["settings"], **metadata["reading"])


class Builder(QuietBuilderMixin, tfds.core.GeneratorBasedBuilder):
    """Builds `copper_sem` from the SEM folder given as manual_dir."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Give your SEM folder, FOLDER/<class>/<picture>, as --manual_dir FOLDER."
    # `tfds build` builds all of these unless one is named, so Beam's isn't among them.
    BUILDER_CONFIGS = [CopperSemConfig()]

    def __init__(self, *, config: Any = None, data_dir: Any = None, **kwargs: Any) -> None:
        one_line_errors()
        if config is None:
            config = _only_config(data_dir or tfds.core.constants.DATA_DIR)
        elif config == _BEAM:
            config = CopperSemConfig(beam=True)
        # TFDS refuses a second config of a known name, even an equal one.
        known = isinstance(config, CopperSemConfig) and config.name in self.builder_configs
        super().__init__(config=config.name if known else config, data_dir=data_dir, **kwargs)
        self.progress: Progress | None = None
        self.survey: Survey | None = None
        self._fingerprint = ""

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=features(),
            supervised_keys=("picture", "label"),
            homepage="https://arxiv.org/abs/1910.11033",
            metadata=tfds.core.MetadataDict(),
        )

    def download_and_prepare(self, *, download_config: Any = None, **kwargs: Any) -> None:
        """Builds the dataset; refuses a place that holds the dataset of another folder.

        Raises:
            InputError: if the SEM folder can't be used.
            OutputError: if `data_dir` can't be written or already holds the dataset of another folder, or a pipeline of
                Beam's doesn't get through.
        """
        download_config = download_config or tfds.download.DownloadConfig()
        if download_config.manual_dir is not None:
            self._check(download_config.manual_dir)
        with build_lock(self.data_dir_root):
            self._refuse_another(overwrite=download_config.download_mode.overwrite_dataset)
            remove_unfinished(self.data_dir)
            with writing_errors(self.data_dir_root, self.builder_config.beam):
                super().download_and_prepare(download_config=download_config, **kwargs)

    def _check(self, manual_dir: Any) -> tuple[Survey, str]:
        """The survey of the folder and its fingerprint, each made once.

        Raises:
            InputError: if a picture can't be used.
        """
        config = self.builder_config
        if self.survey is None or str(self.survey.folder.root) != str(manual_dir):
            self.survey = survey_folder(scan(str(manual_dir), config.sheet_from), config.read_settings, self.progress)
        for surveyed in self.survey.pictures:
            if surveyed.error:
                raise InputError(surveyed.error)
        if not self._fingerprint:
            self._fingerprint = folder_fingerprint(self.survey.folder, self.progress)
        return self.survey, self._fingerprint

    def _refuse_another(self, overwrite: bool) -> None:
        if self.survey is None:
            return
        for path, metadata in built_datasets(self.data_dir_root):
            if overwrite and path == Path(self.data_dir):
                continue
            if metadata.get("folder_fingerprint") != self._fingerprint:
                raise OutputError(
                    f"{path}: holds the dataset of other files or labels, from {metadata.get('source')}; build into "
                    f"another folder or remove it first. Received: {self.survey.folder.root}"
                )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        try:
            manual_dir = dl_manager.manual_dir
        except AssertionError as error:
            place = f"{self.data_dir_root}: holds no {NAME}/{self.builder_config.name}"
            needs = "to build it, manual_dir must be the SEM folder, FOLDER/<class>/<picture>"
            raise InputError(f"{place}; {needs}. Received: no manual_dir") from error
        survey, fingerprint = self._check(manual_dir)
        pictures, settings = survey.folder.pictures, self.builder_config.split_settings
        split_of = assign(pictures, settings, survey.links)
        self.info.features["label"].names = [time_text(t) for t in survey.folder.times]
        self.info.metadata.update(dataset_metadata(survey, fingerprint, settings, split_of).to_dict())
        # TFDS renames this folder when all is done, so the table is there exactly where the records are.
        write_split_table(Path(self.data_dir) / SPLIT_TABLE, survey, settings, split_of)
        self._done = 0
        shares = {name: [p for p in pictures if split_of[p.file] == name] for name in SPLITS}
        make = self._beam_examples if self.builder_config.beam else self._generate_examples
        return {name: make(survey.folder.root, share) for name, share in shares.items()}

    def _generate_examples(self, root: Path, pictures: list[Picture]) -> Iterator[tuple[str, dict[str, Any]]]:
        make = functools.partial(keyed_example, root, self.builder_config.read_settings)
        for made in map_ahead(make, pictures):
            yield made
            self._done += 1
            if self.progress is not None:
                self.progress(self._done, len(self.survey.pictures) if self.survey else 0, "writing")

    def _beam_examples(self, root: Path, pictures: list[Picture]) -> Any:
        """The same examples as a Beam transform; what it holds must pickle, which this builder does not."""
        import apache_beam as beam

        make = functools.partial(keyed_example, root, self.builder_config.read_settings)
        return beam.Create(pictures) | beam.Reshuffle() | beam.Map(make)
