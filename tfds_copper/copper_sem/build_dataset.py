"""Build the dataset from Python; `copper build` calls this."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from tfds_copper.errors import InputError
from tfds_copper.folder.scan import scan
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SplitSettings, assign

if TYPE_CHECKING:
    from tfds_copper.audit.survey import Survey

__all__ = ["build", "build_survey"]


def _build_one(survey: Survey, data_dir: str, settings: SplitSettings, progress: Progress | None) -> Path:
    import tensorflow_datasets as tfds

    from tfds_copper.compat import quiet_logs

    with quiet_logs():
        from tfds_copper.copper_sem.copper_sem_dataset_builder import Builder, CopperSemConfig

        tfds.disable_progress_bar()
        config = CopperSemConfig(**settings.to_dict(), **survey.settings.to_dict())
        builder = Builder(data_dir=data_dir, config=config)
        builder.progress, builder.survey = progress, survey
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=str(survey.folder.root)))
    return Path(str(builder.data_dir))


def build_survey(
    survey: Survey,
    data_dir: str | PathLike[str],
    settings: SplitSettings | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Builds a surveyed folder: one dataset, or one for each fold.

    Args:
        survey: of the folder.
        data_dir: the folder of datasets, made where missing.
        settings: how pictures are shared out; the defaults where None.
        progress: called with pictures done, their total, and what is being done.

    Returns:
        The directories of the built datasets, which `open_dataset` takes.

    Raises:
        InputError: if the folder or a picture in it can't be used.
        OutputError: if `data_dir` can't be written or already holds the dataset of another folder.
    """
    settings = settings or SplitSettings()
    # Mistakes in the folder show before TensorFlow's slow import.
    for surveyed in survey.pictures:
        if surveyed.error:
            raise InputError(surveyed.error)
    for one in settings.each_fold:
        assign(survey.folder.pictures, one, survey.links)
    return [_build_one(survey, str(data_dir), one, progress) for one in settings.each_fold]


def build(
    folder: str | PathLike[str],
    data_dir: str | PathLike[str],
    settings: SplitSettings | None = None,
    reading: ReadSettings | None = None,
    progress: Progress | None = None,
) -> Path:
    """Builds a SEM folder into sharded TFRecords; a folder already built is left as it is.

    Args:
        folder: the SEM folder.
        data_dir: the folder of datasets, made where missing.
        settings: how pictures are shared out; the defaults where None.
        reading: how pictures are read; the defaults where None.
        progress: called with pictures done, their total, and what is being done.

    Returns:
        The directory of the built dataset, which `open_dataset` takes; with folds, of the first.

    Raises:
        InputError: if the folder or a picture in it can't be used.
        OutputError: if `data_dir` can't be written or already holds the dataset of another folder.
    """
    settings = settings or SplitSettings()
    found = scan(folder, settings.sheet_from)
    if not settings.folds:  # a folder that can't be split shows before its pictures are read
        assign(found.pictures, settings)
    from tfds_copper.audit.survey import survey_folder

    return build_survey(survey_folder(found, reading, progress), data_dir, settings, progress)[0]
