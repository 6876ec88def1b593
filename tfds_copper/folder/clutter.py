"""What lies in folders of pictures and is none: what systems leave there, and earlier results of copper-tf."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePath

from tfds_copper.results import FORMAT_KEY

__all__ = ["OVERLAYS", "PREDICTION", "PREDICTION_MAPS", "is_clutter", "is_result", "is_system_name", "result_folders"]

# What `copper predict` writes beside its table: its record, and the folders of pictures that are no micrographs.
# Those of maps by field of the row: of potency, and of its standard deviation over the members of an ensemble.
PREDICTION, OVERLAYS = "prediction.json", "overlays"
PREDICTION_MAPS, _FIGURES = {"potency": "maps", "scatter": "scatter"}, "figures"
# Thumbnails, versions and bins of network drives and systems; what begins with a point is hidden anyway.
_SYSTEM = {
    "@eadir", "@tmp", "@sharebin", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "~snapshot",
    "__macosx", "$recycle.bin", "recycler", "system volume information", "lost+found", "network trash folder",
    "temporary items", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r",
}  # fmt: skip
# The first columns of every table of predictions, and the first file of every run.
_TABLE, _TABLE_START, _RUN, _RUN_START = "predictions.csv", "file,sheet,width,height,", "format", "copper-"
# JSON files looked at in a folder; results have a few, pictures may have one each.
_JSON_FILES, _HEAD = 24, 256


def is_system_name(name: str) -> bool:
    """Whether a file or folder of that name is hidden, or belongs to a system and not to its user."""
    return name.startswith((".", "~$")) or name.casefold() in _SYSTEM


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.read(_HEAD)
    except OSError:
        return ""


def _is_other_result(folder: Path, files: set[str]) -> bool:
    """Whether a folder is a run or what another command than predict writes, by the form that its JSON names first."""
    texts = sorted(name for name in files if name.endswith(".json") and name != PREDICTION)[:_JSON_FILES]
    start = json.dumps({FORMAT_KEY: "copper-"})[:-2]
    named = (" ".join(_head(folder / name).split()).replace("{ ", "{", 1).startswith(start) for name in texts)
    return any(named) or (_RUN in files and _head(folder / _RUN).startswith(_RUN_START))


def is_clutter(name: str) -> bool:
    """Whether a path below a folder goes through anything that is hidden or of a system, by its names alone."""
    return any(is_system_name(part) for part in PurePath(name).parts)


def _is_prediction(folder: Path, files: set[str]) -> bool:
    return PREDICTION in files or (_TABLE in files and _head(folder / _TABLE).startswith(_TABLE_START))


def is_result(folder: Path) -> bool:
    """Whether copper-tf wrote results into a folder, a run among them."""
    files = {path.name for path in folder.iterdir()}
    return _is_prediction(folder, files) or _is_other_result(folder, files)


def result_folders(folder: Path, names: Iterable[str], files: Iterable[str], root: bool) -> set[str]:
    """The folders in a folder whose pictures copper-tf wrote: maps, overlays, figures, whatever lies in a run.

    Args:
        folder: that was listed.
        names: of its folders.
        files: names of its files.
        root: whether it is the folder that the user named; what isn't known to be a result then counts as pictures.
    """
    files, found = set(files), set()
    if _is_prediction(folder, files):
        found |= {OVERLAYS, *PREDICTION_MAPS.values()}
    if _is_other_result(folder, files):
        found |= {_FIGURES} if root else set(names)
    return found & set(names)
