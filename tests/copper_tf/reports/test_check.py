"""What `copper check` finds, and what it leaves in peace."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from copper_tf.cli.main import main
from copper_tf.reports.check.summary import picture_table, summarise
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.audit.association import association
from tfds_copper.audit.duplicates import DuplicatePair
from tfds_copper.audit.findings import NOTE, UNSOUND, WARNING, Finding, findings
from tfds_copper.audit.survey import Survey, SurveyedPicture, survey_folder
from tfds_copper.folder.readings import Reading
from tfds_copper.folder.scan import Picture, SemFolder, scan
from tfds_copper.micrograph import Bar, Metadata, ReadSettings
from tfds_copper.splits.assign import SplitSettings

_GOOD = Metadata(vendor="Hitachi", voltage_kv=15.0, working_distance_mm=8.0, detector="SE", date="2019-03-04")
_SPLIT = SplitSettings("2/1/1")


def _surveyed(change: Callable[[int, int, int], dict[str, Any]] = lambda *_: {}, sheets: bool = True) -> Survey:
    """4 labels of 4 sheets with 2 pictures each, all well; `change(label, sheet, k)` says what is not."""
    draw = np.random.default_rng(0)
    seen = []
    for label in range(4):
        for sheet in range(4):
            for k in range(2):
                name = f"t{label}/s{sheet}_{k}.png"
                picture = Picture(name, float(label), label, sheet=f"{label}-{sheet}" if sheets else "")
                well = SurveyedPicture(
                    picture, "", (256, 256), (256, 256), 8, 100.0, *draw.normal(0.4, 0.02, 2), metadata=_GOOD
                )
                seen.append(dataclasses.replace(well, **change(label, sheet, k)))
    pictures = tuple(s.picture for s in seen)
    folder = SemFolder(Path("sem"), "h", (0.0, 1.0, 2.0, 3.0), pictures, {})
    return Survey(folder, ReadSettings(), tuple(seen), ())


def _found(survey: Survey, split: SplitSettings = _SPLIT) -> dict[str, Finding]:
    return {f.rule: f for f in findings(survey, split)}


def test_a_sound_folder_is_left_in_peace() -> None:
    assert findings(_surveyed(), _SPLIT) == []


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        (lambda t, s, k: {"mean": 0.3 + 0.05 * t + 0.01 * s}, "brightness", "mean brightness follows t (Spearman"),
        (lambda t, s, k: {"contrast": 0.3 - 0.05 * t + 0.01 * s}, "contrast", "contrast follows t (Spearman -0"),
        (lambda t, s, k: {"pixel_size_nm": 50.0 if t == 3 else 100.0}, "pixel-size", "pixel size follows t (Cram"),
        (lambda t, s, k: {"metadata": dataclasses.replace(_GOOD, voltage_kv=5.0 + t)}, "voltage", "accelerating"),
        (lambda t, s, k: {"metadata": dataclasses.replace(_GOOD, detector="LM" if t % 2 else "SE")}, "detector", "det"),
        (lambda t, s, k: {"metadata": dataclasses.replace(_GOOD, tilt_deg=7.0 * (t > 1))}, "tilt", "stage tilt"),
        (lambda t, s, k: {"metadata": dataclasses.replace(_GOOD, date=f"2019-03-{4 * t + s + 1:02d}T09:00")}, "date",
         "date of recording follows t"),
        (lambda t, s, k: {"metadata": dataclasses.replace(_GOOD, working_distance_mm=8 + t + 0.01 * s)},
         "working-distance", "working distance follows t"),
        (lambda t, s, k: {"metadata": Metadata() if t == 0 else _GOOD}, "vendor", "vendor follows t"),
        (lambda t, s, k: {"bit_depth": 16 if t == 2 else 8}, "bit-depth", "bit depth follows t"),
    ],
)  # fmt: skip
def test_short_cuts(change: Callable[[int, int, int], dict[str, Any]], rule: str, words: str) -> None:
    wrong = [f for f in findings(_surveyed(change), _SPLIT) if f.level == UNSOUND]
    assert [f.rule for f in wrong] == [rule] and words in wrong[0].text


@pytest.mark.parametrize(("side", "few"), [(157, False), (156, True)])
def test_a_handful_of_crops_is_said_to_be_too_few_for_maps(side: int, few: bool) -> None:
    """16 pictures are trained on; 24 crops of 128 px are 16 pictures of 156.8 px."""
    found = _found(_surveyed(lambda *_: {"shape": (side, side)}))
    assert set(found) == ({"few"} if few else set())
    assert not few or (found["few"].level == WARNING and "hold 23 crops of 128 px" in found["few"].text)


def test_what_wanders_without_following_t_is_no_short_cut() -> None:
    draw = np.random.default_rng(1)
    wandering = dataclasses.replace(_GOOD, date="")

    def change(*_: int) -> dict[str, Any]:
        distance, day = float(draw.normal(8, 1)), f"2019-03-{draw.integers(1, 28):02d}"
        return {"metadata": dataclasses.replace(wandering, working_distance_mm=distance, date=day)}

    assert findings(_surveyed(change), _SPLIT) == []


def test_associations_by_chance_are_rare() -> None:
    labels, units = np.repeat(np.arange(8), 6), [str(k) for k in range(48)]
    draw = np.random.default_rng(0)
    found = [association(labels.tolist(), units, draw.normal(size=48).tolist()) for _ in range(200)]
    kinds = [association(labels.tolist(), units, draw.choice(["a", "b", "c"], 48).tolist()) for _ in range(20)]
    assert not [a for a in found + kinds if a is None or a.strong]
    assert sum(a.weak for a in found + kinds if a) <= 1
    assert association([0, 1, 2, 3], list("abcd"), [1.0, 1.0, 1.0, 1.0]) is None


@pytest.mark.parametrize(
    ("changed", "level", "rule", "words"),
    [
        ({"error": "a.png: a picture must be. Received: nothing"}, UNSOUND, "unreadable", "a.png: a picture must be"),
        ({"contrast": 0.0}, UNSOUND, "blank", "1 picture of one grey value only: t1/s0_0.png"),
        ({"shape": (16, 300)}, UNSOUND, "small", "a side of less than 32 px"),
        ({"shape": (100, 300)}, WARNING, "small", "a side of less than 128 px"),
        ({"white": 0.3}, WARNING, "saturated", "more than 20% of the pixels fully white"),
        ({"black": 0.6}, WARNING, "saturated", "more than 50% of the pixels fully black"),
        ({"pixel_size_nm": math.nan}, WARNING, "pixel-size", "the pixel size of 1 picture of 32 is unknown"),
        ({"pixel_size_nm": 50.0}, WARNING, "pixel-size", "2 pixel sizes: 50 nm (1), 100 nm (31); --resample 100"),
        ({"notes": ("JPEG: lossy",)}, WARNING, "lossy", "1 picture saved as JPEG"),
        ({"notes": ("9 px wide, though 8 px: cut or rescaled since",)}, WARNING, "contradiction", "9 px"),
        ({"metadata": dataclasses.replace(_GOOD, dropped=("HV=notafloat",))}, NOTE, "metadata", "HV=notafloat (1)"),
        ({"bar": Bar("bottom", 40)}, NOTE, "bar", "1 picture: 40 rows at the bottom; 31 pictures without"),
    ],
)  # fmt: skip
def test_single_pictures(changed: dict[str, Any], level: str, rule: str, words: str) -> None:
    survey = _surveyed(lambda t, s, k: changed if (t, s, k) == (1, 0, 0) else {})
    found = _found(survey)
    assert set(found) == {rule} and found[rule].level == level and words in found[rule].text
    assert found[rule].files == ("t1/s0_0.png",)


def test_every_finding_lists_all_its_pictures() -> None:
    blank = {f"t{t}/s{s}_0.png" for t in range(4) for s in range(4)}
    survey = _surveyed(lambda t, s, k: {"contrast": 0.0} if k == 0 else {})
    found = _found(survey)["blank"]
    assert set(found.files) == blank and "16 pictures of one grey value only: such as t0/s0_0.png" in found.text
    rows = {r["file"]: r["findings"] for r in csv.DictReader(io.StringIO(picture_table(survey, [found])))}
    assert len(rows) == 32 and {file for file, text in rows.items() if text == "unsound: blank"} == blank


def test_a_finding_says_where_all_its_pictures_stand(tmp_path: Path) -> None:
    survey = _surveyed(
        lambda t, s, k: {"contrast": 0.0} if k == 0 else {"bar": Bar("bottom", 40)} if (t, s) == (0, 0) else {}
    )
    survey = dataclasses.replace(
        survey, duplicates=(DuplicatePair(1, 3, "overlap", 0.4, 0.9), DuplicatePair(3, 5, "overlap", 0.4, 0.9))
    )
    check = summarise(survey, _SPLIT)
    for k, finding in enumerate(check.findings):
        rows = finding.pairs or finding.files
        name = "pairs" if finding.pairs else "files"
        assert check.whereabouts(k) == ("" if len(rows) < 2 else f"all {len(rows)}: findings[{k}].{name} in check.json")
        assert len(check.to_dict()["findings"][k][name]) == len(rows)
    assert {f.rule for f in check.findings} >= {"blank", "overlap", "bar"}


def test_unknown_scale_and_sheets() -> None:
    found = _found(_surveyed(lambda *_: {"pixel_size_nm": math.nan}, sheets=False))
    assert {(f.level, r) for r, f in found.items()} == {(WARNING, "pixel-size"), (WARNING, "sheets")}
    assert "pixel sizes are unknown" in found["pixel-size"].text


@pytest.mark.parametrize(
    ("pair", "kind", "level", "rule", "words"),
    [
        ((0, 1), "overlap", WARNING, "overlap", "sheet show overlapping fields of view, near-duplicates: they are"),
        ((0, 2), "overlap", WARNING, "overlap", "of different sheets show overlapping fields of view: they"),
        ((0, 8), "overlap", UNSOUND, "overlap", "overlapping fields of view under different labels"),
        ((0, 1), "resaved", WARNING, "copy", "of one sheet are copies of each other"),
        ((0, 9), "copy", UNSOUND, "copy", "are copies of each other under different labels: one of each must go"),
    ],
)  # fmt: skip
def test_pictures_of_one_place(pair: tuple[int, int], kind: str, level: str, rule: str, words: str) -> None:
    survey = dataclasses.replace(_surveyed(), duplicates=(DuplicatePair(*pair, kind, 0.5, 0.9),))
    found = _found(survey)
    assert found[rule].level == level and words in found[rule].text and len(found[rule].pairs) == 1
    assert found[rule].files == found[rule].pairs[0]


def test_a_split_that_cant_be_made_is_unsound() -> None:
    survey = _surveyed()
    pictures = [dataclasses.replace(p, sheet="A") if p.label == 2 else p for p in survey.folder.pictures]
    one_sheet = tuple(dataclasses.replace(s, picture=p) for s, p in zip(survey.pictures, pictures, strict=True))
    folder = dataclasses.replace(survey.folder, pictures=tuple(pictures))
    survey = dataclasses.replace(survey, folder=folder, pictures=one_sheet)
    assert "label t = 2: must have pictures of at least 3 sheets" in _found(survey)["split"].text
    within = _found(survey, dataclasses.replace(_SPLIT, within_sheet=True))
    assert set(within) == {"sheets"} and "Split within sheets for t = 2" in within["sheets"].text


def test_numbers_that_may_be_others_are_warned_of() -> None:
    sure = Reading("t", "2", 2.0, "", 2.0, "", (9,), ("t0/s0_0.png",))
    doubted = [
        Reading("t", f"1.{k}00", 1 + k / 10, "", 1 + k / 10, f"may be 1{k}00", (k, k + 4), (f"t1/s{k}_0.png",))
        for k in range(4)
    ]
    survey = _surveyed()
    folder = dataclasses.replace(survey.folder, readings=(sure, *doubted))
    found = _found(dataclasses.replace(survey, folder=folder))["reading"]
    assert found.level == WARNING and found.files == tuple(f"t1/s{k}_0.png" for k in range(4))
    assert "t: '1.000' is read as 1, may be 1000; '1.100' is read as 1.1, may be 1100; " in found.text
    assert "and 1 more. check.html and check.json list all of them with their rows" in found.text


def test_the_page_says_how_names_were_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    for name in ("15分後", "2時間後", "1日後"):
        (tmp_path / "sem" / name).mkdir(parents=True)
        for k in range(3):
            pixels = draw.integers(60, 200, (160, 160)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "sem" / name / f"{k}.png")
    assert main(["check", str(tmp_path / "sem"), "-o", str(tmp_path / "out"), "--split", "1/1/1"]) == 0
    assert "reading" not in capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "check.json").read_text(encoding="utf-8"))
    assert (result["times"], result["unit"]) == ([15, 120, 1440], "min")
    read = [(r["text"], r["value"], r["unit"], r["t"], len(r["files"])) for r in result["readings"]]
    assert read == [("15分後", 15, "min", 15, 3), ("2時間後", 2, "h", 120, 3), ("1日後", 1, "d", 1440, 3)]
    page = (tmp_path / "out" / "check.html").read_text(encoding="utf-8")
    assert "How the names of class folders were read" in page
    assert '<td>folder name</td><th scope="row">2時間後</th><td>2 h</td><td>120</td><td>3</td>' in page


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("worlds")
    settings = SimulationSettings(labels=4, pictures=8, sheets=4, height=160, width=192, seed=2)
    return {w: simulate(root / w, dataclasses.replace(settings, world=w), workers=1) for w in ("binary", "confound")}


def test_the_command_on_a_clean_folder(worlds: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(worlds["binary"]), "--split", "2/1/1"]) == 0
    out = capsys.readouterr().out
    assert "sound: nothing found" in out and "unsound" not in out and "warning" not in out
    folder = worlds["binary"].with_name("binary.check")
    page = (folder / "check.html").read_text()
    assert page.count("<img alt=") == page.count("data:image/") == 2 and "http" not in page
    with (folder / "pictures.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 32 and {r["pixel_size_nm"] for r in rows} == {"100.0"}
    result = json.loads((folder / "check.json").read_text())
    assert result["sound"] and result["labels"][0]["size_px"] == "192 x 160"
    assert result["splits"][0]["pictures"]["test"] == 8


def test_a_confounded_folder_is_refused_unless_forced(
    worlds: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = worlds["confound"]
    assert main(["check", str(folder), "-o", str(tmp_path / "check"), "--split", "2/1/1"]) == 1
    assert "unsound: mean brightness follows t" in capfd.readouterr().out
    command = ["build", str(folder), "-o", str(tmp_path / "data"), "--split", "2/1/1"]
    assert main(command) == 2
    (line,) = [x for x in capfd.readouterr().err.splitlines() if x.startswith("copper: ")]
    assert "must be sound to train on" in line and "Received: mean brightness follows t" in line
    assert not (tmp_path / "data").exists()
    assert main(["train", "classifier", str(folder), "-o", str(tmp_path / "run"), "--split", "2/1/1"]) == 2
    assert main([*command, "--force"]) == 0


def test_one_place_under_two_names_is_found_and_never_torn_apart(worlds: dict[str, Path], tmp_path: Path) -> None:
    source = worlds["binary"]
    draw = np.random.default_rng(0)
    for file in sorted(source.glob("t0*/*.png")):
        target = tmp_path / "sem" / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    pixels = np.asarray(Image.open(next((source / "t01").glob("*s01-p*.png")))).astype(float)
    noisy = np.clip(1.1 * pixels + 5 + draw.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "sem" / "t01" / "again-s09.jpg", quality=80)
    Image.fromarray(noisy[:, :130]).save(tmp_path / "sem" / "t01" / "left-s10.png")
    survey = survey_folder(scan(tmp_path / "sem", r"(?P<sheet>s\d+)"))
    assert len(survey.duplicates) >= 2 and not any(s.error for s in survey.pictures)
    from tfds_copper.copper_sem import build_survey

    (path,) = build_survey(survey, tmp_path / "data", _SPLIT)
    with (path / "splits.csv").open(newline="") as file:
        rows = {r["file"]: r for r in csv.DictReader(file)}
    assert all(rows[a]["split"] == rows[b]["split"] for a, b in survey.links)
    of_sheet: dict[str, set[str]] = {}
    for row in rows.values():
        of_sheet.setdefault(row["sheet"], set()).add(row["split"])
        of_sheet.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in of_sheet.values())
    assert len({r["split"] for r in rows.values()}) == 3
