"""Writes a SEM folder whose truth is known: pictures, masks, labels.csv and the settings they came from."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from copper_tf.simulation.picture import plan_picture, simulate_picture
from copper_tf.simulation.settings import SimulationSettings
from copper_tf.simulation.studies import STRENGTH_KEY, Strengths, draw_strengths, measured_columns, study_table
from tfds_copper.cells import write_rows
from tfds_copper.children import safe_children
from tfds_copper.errors import CopperError, OutputError, SettingError
from tfds_copper.files import is_temporary, read_json, replacing
from tfds_copper.progress import Progress

__all__ = ["SETTINGS_FILE", "picture_path", "read_settings", "simulate"]

SETTINGS_FILE = "simulation.json"
# Raised whenever the same settings would give other pixels, so that a folder never mixes two recipes.
_RECIPE = 1
# Below this many pixels in all, starting processes takes longer than drawing.
_WORTH_PROCESSES = 10_000_000


def picture_path(settings: SimulationSettings, label: int, index: int) -> str:
    """The picture's path relative to its folder, e.g. ``t03/t03-s01-p007.png``; its mask lies in ``truth/``."""
    digits = max(2, len(str(settings.labels - 1)))
    name = f"t{label:0{digits}d}"
    return f"{name}/{name}-s{plan_picture(settings, label, index).sheet:02d}-p{index:03d}.png"


@contextmanager
def _output(path: Path) -> Iterator[None]:
    """Turns what the file system objects to into one clear line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{path}: must be a place with room that can be written. Received: {reason}") from None


def _write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    with _output(path), replacing(path) as part:
        part.write_bytes(data)


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _write_picture(folder: str, settings: SimulationSettings, label: int, index: int) -> str:
    """Draws and writes one picture and its mask; returns the picture's relative path."""
    name = picture_path(settings, label, index)
    pixels, mask = simulate_picture(settings, label, index)
    # The mask goes first: where a picture exists, its mask does.
    if mask is not None:
        _write(Path(folder, "truth", name), _png(mask.astype(np.uint8) * np.uint8(255)))
    _write(Path(folder, name), _png(pixels))
    return name


def _description(settings: SimulationSettings) -> str:
    return json.dumps({"recipe": _RECIPE, "settings": settings.to_dict()}, indent=2) + "\n"


def read_settings(folder: str | os.PathLike[str]) -> SimulationSettings:
    """The settings that a simulated folder was made with.

    Args:
        folder: a folder that `simulate` wrote.

    Raises:
        OutputError: if the folder was not simulated, or by another version of the recipe.
    """
    path = Path(folder, SETTINGS_FILE)
    try:
        content = read_json(path)
        recipe, settings = content["recipe"], SimulationSettings.from_dict(content["settings"])
    except (OSError, ValueError, KeyError, TypeError, CopperError):
        raise OutputError(f"{path}: must hold the settings of a simulated folder. Received: {_found(path)}") from None
    if recipe != _RECIPE:
        raise OutputError(f"{path}: recipe must be {_RECIPE}, the one of this version. Received: {recipe!r}")
    return settings


def _found(path: Path) -> str:
    return "a file that cannot be read as such" if path.exists() else "no such file"


def _check_folder(folder: Path, settings: SimulationSettings) -> None:
    """Raises unless the folder is absent, empty but for what a kill left half written, or of the same simulation."""
    with _output(folder):
        if not folder.exists() or (folder.is_dir() and all(map(is_temporary, folder.iterdir()))):
            return
    if not folder.is_dir():
        raise OutputError(f"{folder}: must be a folder. Received: a file")
    if not (folder / SETTINGS_FILE).is_file():
        raise OutputError(f"{folder}: must be absent, empty, or hold the same simulation. Received: other files")
    held, wanted = read_settings(folder).to_dict(), settings.to_dict()
    if held != wanted:
        differs = ", ".join(
            f"{name} {held[name]} there, {wanted[name]} here" for name in held if held[name] != wanted[name]
        )
        raise OutputError(f"{folder}: holds a simulation with other settings; must be the same. Received: {differs}")


def _labels_csv(settings: SimulationSettings) -> bytes:
    """The table of all pictures, as labels.csv."""
    gradual = settings.world == "gradual"
    size = (settings.height - settings.bar) * settings.width
    stream = io.StringIO(newline="")
    drawn = "amplitude_drawn" if gradual else "area_drawn"
    strengths = _strengths(settings) if settings.peel else None
    known = list(measured_columns(settings, strengths, 0, 0, 0)) if strengths else []
    rows: list[list[Any]] = [["file", "t", "sheet", "lot", "pixel_size_nm", "area_law", drawn, *known]]
    for label, time in enumerate(settings.times()):
        for index in range(settings.pictures):
            made = plan_picture(settings, label, index)
            name = picture_path(settings, label, index)
            share = made.share if gradual else round(made.share * size) / size
            sheet = name.split("/")[1].rsplit("-", 1)[0]
            row = [name, time, sheet, f"lot{made.lot + 1}", f"{settings.pixel_size_nm:g}"]
            measured = _measured(settings, strengths, label, index) if strengths else []
            rows.append([*row, f"{made.law:.8f}", f"{share:.8f}", *measured])
    write_rows(stream, rows)
    return stream.getvalue().encode("utf-8")


def _first_pictures(settings: SimulationSettings) -> list[int]:
    """The index of the first picture of each sheet of a label."""
    return [-(-sheet * settings.pictures // settings.sheets) for sheet in range(settings.sheets)]


def _strengths(settings: SimulationSettings) -> Strengths:
    """What is measured on the sheets of the pictures, label by label."""
    plans = [plan_picture(settings, label, k) for label in range(settings.labels) for k in _first_pictures(settings)]
    area, label, lot = (np.array([getattr(p, name) for p in plans]) for name in ("share", "label", "lot"))
    return draw_strengths(settings, area[None], label, lot, np.random.default_rng([STRENGTH_KEY, settings.seed]))


def _measured(settings: SimulationSettings, strengths: Strengths, label: int, index: int) -> list[str]:
    sheet = plan_picture(settings, label, index).sheet
    within = index - _first_pictures(settings)[sheet]
    return list(measured_columns(settings, strengths, label * settings.sheets + sheet, sheet, within).values())


def _write_tables(folder: Path, settings: SimulationSettings, progress: Progress | None) -> None:
    """Writes the score tables of many studies, and those of their reference sheets."""
    for k in range(settings.tables):
        for name, reference in (("scores", False), ("reference", True)):
            _write(folder / f"{name}-{k + 1:05d}.csv", study_table(settings, k, reference))
        if progress:
            progress(k + 1, settings.tables, "writing")


def _missing(folder: Path, settings: SimulationSettings) -> list[tuple[int, int]]:
    """Label and index of the pictures that are not there yet."""
    every = [(label, index) for index in range(settings.pictures) for label in range(settings.labels)]
    masks = settings.world != "gradual"

    def there(label: int, index: int) -> bool:
        name = picture_path(settings, label, index)
        return (folder / name).is_file() and (not masks or (folder / "truth" / name).is_file())

    return [key for key in every if not there(*key)]


def _draw_all(folder: Path, settings: SimulationSettings, keys: list[tuple[int, int]], workers: int) -> Iterator[str]:
    """Draws pictures in this process or in several; yields their names as they are done."""
    if workers == 1 or len(keys) * settings.height * settings.width < _WORTH_PROCESSES:
        for key in keys:
            yield _write_picture(str(folder), settings, *key)
        return
    # A forked child of a process that holds TensorFlow can hang: start fresh ones.
    with safe_children(), ProcessPoolExecutor(min(workers, len(keys)), mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_write_picture, str(folder), settings, *key) for key in keys]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            pool.shutdown(cancel_futures=True)


def simulate(
    folder: str | os.PathLike[str],
    settings: SimulationSettings,
    *,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Path:
    """Writes the SEM folder of a simulation; pictures that a broken run has left there are kept.

    Args:
        folder: where to write; absent, empty, or with a `simulation.json` of the same settings.
        settings: what to draw.
        progress: called as ``progress(done, total, what)`` after every picture.
        workers: number of processes; None for one per processor. With 1, or few pictures, none is started.

    Returns:
        The folder, with ``<class>/<picture>``, ``truth/<class>/<picture>``, ``labels.csv`` and ``simulation.json``; or
        with ``scores-00001.csv`` and ``reference-00001.csv`` of each study where ``tables`` is set.

    Raises:
        OutputError: if the folder holds anything else, or can't be written.
        SettingError: if workers is not at least 1.
    """
    if workers is not None and workers < 1:
        raise SettingError(f"workers must be a whole number of at least 1. Received: {workers!r}")
    folder = Path(folder)
    _check_folder(folder, settings)
    _write(folder / SETTINGS_FILE, _description(settings).encode("utf-8"))
    if settings.tables:
        _write_tables(folder, settings, progress)
        return folder
    keys = _missing(folder, settings)
    total = settings.labels * settings.pictures
    for done, _ in enumerate(_draw_all(folder, settings, keys, workers or os.cpu_count() or 1), total - len(keys) + 1):
        if progress:
            progress(done, total, "drawing")
    _write(folder / "labels.csv", _labels_csv(settings))
    return folder
