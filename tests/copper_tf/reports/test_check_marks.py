"""`copper check` and `copper build` on pictures with text burnt in, and on labels of few pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from copper_tf.api.data import check, preview_build
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.audit.findings import UNSOUND, WARNING
from tfds_copper.errors import InputError

_HEIGHT, _SIZE = 96, 13


def _folder(place: Path, dated: bool, top: bool = False) -> Path:
    """A simulated folder with a date over each picture, white on the surface, that follows t or doesn't."""
    folder = simulate(
        place, SimulationSettings(labels=3, pictures=6, sheets=6, height=_HEIGHT, width=160, seed=3), workers=1
    )
    for number, file in enumerate(sorted(folder.glob("t*/*.png"))):
        image = Image.fromarray(np.asarray(Image.open(file)))
        day = int(file.parent.name[1:]) if dated else number % 5
        text = f"{2016 + day}/{1 + 3 * day:02d}/{11 + 4 * day} 10.0um"
        row = 4 if top else _HEIGHT - _SIZE - 6
        ImageDraw.Draw(image).text((4, row), text, fill=255, font=ImageFont.load_default(_SIZE))
        image.save(file)
    return folder


def test_text_that_follows_t_is_unsound_until_it_is_cut_off(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "sem", dated=True)
    result = check(folder, tmp_path / "check", split="4/1/1")
    (finding,) = (f for f in result.findings if f.rule == "marks")
    (marks,) = result.marks
    assert finding.level == UNSOUND and "follows t (correlation ratio" in finding.text and not result.sound
    assert f"--bar {marks.bar} cuts them off" in finding.text and len(finding.files) == 18
    ((first, last),) = marks.rows
    assert first >= _HEIGHT - _SIZE - 10 and last >= _HEIGHT - 7 and f"rows {first}-{last}" in finding.text
    assert json.loads((tmp_path / "check/check.json").read_text())["marks"][0]["rows"] == [[first, last]]
    with (tmp_path / "check/pictures.csv").open(newline="", encoding="utf-8-sig") as stream:
        assert {row["mark_rows"] for row in csv.DictReader(stream)} == {f"{first}-{last}"}
    assert f"rows {first}-{last}" in (tmp_path / "check/check.html").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=f"--bar {marks.bar} cuts them off"):
        preview_build(folder, split="4/1/1")
    cut = preview_build(folder, split="4/1/1", bar=marks.bar)
    assert cut.marks == () and "marks" not in {f.rule for f in cut.findings}


def test_text_that_does_not_follow_t_is_warned_of(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "sem", dated=False, top=True)
    shown = preview_build(folder, split="4/1/1")
    (finding,) = (f for f in shown.findings if f.rule == "marks")
    (marks,) = shown.marks
    assert finding.level == WARNING and marks.bar == f"{marks.rows[-1][1] + 1}/0"
    assert preview_build(folder, split="4/1/1", bar=marks.bar).marks == ()


def test_labels_of_few_pictures_are_warned_of_with_their_counts(tmp_path: Path) -> None:
    folder = simulate(
        tmp_path / "sem", SimulationSettings(labels=3, pictures=14, sheets=7, height=64, width=80), workers=1
    )
    assert "imbalance" not in {f.rule for f in preview_build(folder, split="4/2/1").findings}
    with (folder / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = [
        row for row in rows if not row["file"].startswith("t01") or row["file"].endswith(("0.png", "4.png", "8.png"))
    ]
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    (finding,) = (f for f in preview_build(folder, split="1/1/1").findings if f.rule == "imbalance")
    assert finding.level == WARNING and "fewer pictures than 0 (14): 1 (4)" in finding.text
