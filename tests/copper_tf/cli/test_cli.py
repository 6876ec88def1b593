"""The command line: the whole road, and the mistakes that get one clear line."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from copper_tf.cli.main import COMMANDS, main
from copper_tf.cli.progress import progress_bar


def _fails(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Runs a command that must fail with one line, and returns that line."""
    assert main([str(a) for a in arguments]) == 2
    lines = [
        line
        for line in capfd.readouterr().err.splitlines()
        if not line.startswith(("comparing", "checking", "writing", "reading"))
    ]
    assert len(lines) == 1 and lines[0].startswith("copper: "), lines
    return lines[0]


def _grey(path: Path, shape: tuple[int, int] = (64, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each picture another one: copies under several labels would be refused.
    draw = np.random.default_rng(list(str(path).encode()))
    Image.fromarray(draw.integers(0, 255, shape).astype(np.uint8)).save(path)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _folder(root: Path, names: tuple[str, ...] = ("t0", "t1"), pictures: int = 4) -> Path:
    for name in names:
        for k in range(pictures):
            _grey(root / name / f"{k}.png")
    return root


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in COMMANDS:
        assert main([verb, "--help"]) == 0
        assert "Usage: copper " + verb in capsys.readouterr().out


def test_the_letters_of_the_paper_are_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["train", "segmenter", "nowhere", "-o", "x", "--n", "1", "--N", "3", "--c", "5", "--d", "3", "--dry-run"])
        == 0
    )
    model = json.loads(capsys.readouterr().out)["model"]
    assert (model["n"], model["N"], model["c"], model["d"]) == (1, 3, 5, 3)


def test_the_road_by_hand(sem_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    assert main(["build", str(sem_folder), "-o", str(data), "--split", "6/2/2"]) == 0
    assert "sheets" in capsys.readouterr().out
    short = ["--preset", "paper", "--crop", "48", "--margin", "8", "--c", "4", "--batch-size", "6"]
    command = ["train", "segmenter", str(data), "-o", str(run), "--hypothesis", "sqrt", "--epochs", "1", *short]
    assert main(command) == 0
    assert "receptive field 36 px" in capsys.readouterr().out
    # With --resume what isn't given is the run's own.
    assert main(["train", "segmenter", str(data), "-o", str(run), "--resume"]) == 0
    capsys.readouterr()
    assert main(["train", "segmenter", str(data), "-o", str(run), "--resume", "--d", "3"]) == 2
    assert "d = 2. Received: d = 3" in capsys.readouterr().err
    assert main(["evaluate", str(run)]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1])
    assert page.is_file() and "nmse" in (run / "scores" / "evaluation.json").read_text()
    assert main(["export", str(run), "-o", str(tmp_path / "model")]) == 0
    for model, out in ((run, "by_run"), (tmp_path / "model", "by_export")):
        assert main(["predict", str(model), str(sem_folder), "-o", str(tmp_path / out)]) == 0
    tables = [_table(tmp_path / out / "predictions.csv") for out in ("by_run", "by_export")]
    assert len(tables[0]) == 30
    for a, b in zip(*tables, strict=True):
        assert a["file"] == b["file"] and a["sheet"] == b["sheet"]
        assert float(a["potency"]) == pytest.approx(float(b["potency"]), abs=1e-5)
    sheets = _table(tmp_path / "by_run" / "predictions_sheets.csv")
    assert len(sheets) == 15 and all(row["n"] == "2" and row["95% low"] for row in sheets)


def test_maps_open_in_fiji_with_their_pixel_size(runs: dict[str, Any], sem_folder: Path, tmp_path: Path) -> None:
    picture = next((sem_folder / "t00").glob("*.png"))
    command = ["predict", runs["segmenter"].path, picture, "-o", tmp_path, "--pixel-size", 250, "--palette", "safe"]
    assert main([str(a) for a in [*command, "--sheet", "S7", "--table", "r.xlsx"]]) == 0
    with tifffile.TiffFile(tmp_path / "maps" / f"{picture.stem}.tif") as file:
        page = file.pages[0]
        assert file.is_imagej and page.dtype == np.float32 and page.shape == (64, 80)
        assert file.imagej_metadata["unit"] == "um"
        per_micron = page.tags["XResolution"].value
        assert per_micron[0] / per_micron[1] == pytest.approx(4)
        mask = page.asarray()
    from openpyxl import load_workbook

    book = load_workbook(tmp_path / "r.xlsx")
    row = dict(zip(*([cell.value for cell in line] for line in book["pictures"].rows), strict=True))
    assert row["potency"] == pytest.approx(float(mask.mean()), abs=5.1e-5) and row["sheet"] == "S7"
    sheet = dict(zip(*([cell.value for cell in line] for line in book["sheets"].rows), strict=True))
    assert sheet["n"] == 1 and not sheet["95% low"]
    with Image.open(tmp_path / "overlays" / f"{picture.stem}.png") as overlay:
        assert overlay.size[0] > 80


def test_a_picture_unlike_those_of_training_is_told(
    runs: dict[str, Any], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    assert main(["export", str(runs["classifier"].path), "-o", str(model)]) == 0
    good = next((sem_folder / "t00").glob("*.png"))
    with Image.open(good) as image:
        Image.fromarray(np.clip(3.0 * np.asarray(image), 0, 255).astype(np.uint8)).save(tmp_path / "glare.png")
    _grey(tmp_path / "tiny.png", (40, 40))
    old = Path(shutil.copytree(runs["classifier"].path, tmp_path / "old"))
    (old / "reference_statistics.json").unlink()
    pictures = [good, tmp_path / "glare.png", tmp_path / "tiny.png"]
    for by, out in ((runs["classifier"].path, "run"), (model, "export"), (old, "old")):
        capfd.readouterr()
        assert main([str(a) for a in ("predict", by, *pictures, "-o", tmp_path / out)]) == 0
        said = capfd.readouterr().out
        like, glare, tiny = (row["out of distribution"] for row in _table(tmp_path / out / "predictions.csv"))
        if by == old:
            assert like == glare == tiny == "not compared: the model keeps no statistics of its pictures"
            assert "warning: 3 of 3 pictures were not compared: the model keeps no statistics" in said
            continue
        assert not like and tiny == "not compared: smaller than 64x64 px"
        assert "of pixels at white" in glare
        assert "warning: 1 of 3 pictures differ from those of training (saturation 1), such as glare.png (sat" in said
        assert "warning: 1 of 3 pictures were not compared: smaller than 64x64 px" in said


def test_one_bad_picture_costs_only_itself(
    runs: dict[str, Any], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = next((sem_folder / "t00").glob("*.png"))
    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    assert main(["predict", str(runs["classifier"].path), str(bad), str(good), "-o", str(tmp_path / "out")]) == 3
    err = capfd.readouterr().err
    assert "bad.png" in err and "Traceback" not in err and "1 of 2 that are not" in err
    (row,) = _table(tmp_path / "out" / "predictions.csv")
    assert row["file"] == good.name and sum(float(row[f"p(t={t})"]) for t in range(3)) == pytest.approx(1, abs=1e-5)


def test_mistakes_with_folders(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    assert "empty" in _fails(capfd, "build", tmp_path / "empty", "-o", out)
    numberless = _folder(tmp_path / "a", ("t0", "t1", "reference"))
    assert "reference" in _fails(capfd, "build", numberless, "-o", out)
    twice = _folder(tmp_path / "b", ("t1", "t01", "t2"))
    line = _fails(capfd, "build", twice, "-o", out)
    assert "t1" in line and "t01" in line
    few = _folder(tmp_path / "c", pictures=2)
    assert "2" in _fails(capfd, "build", few, "-o", out)
    assert not out.exists() or not list(out.rglob("*.tfrecord*"))


@pytest.mark.parametrize("mistake", ["text", "truncated", "colour"])
def test_mistakes_with_pictures(tmp_path: Path, capfd: pytest.CaptureFixture[str], mistake: str) -> None:
    folder = _folder(tmp_path / "sem")
    victim = folder / "t1" / "2.png"
    if mistake == "text":
        victim.write_text("Dear colleague,")
    elif mistake == "truncated":
        victim.write_bytes(victim.read_bytes()[:900])
    else:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)).save(victim)
    assert "2.png" in _fails(capfd, "build", folder, "-o", tmp_path / "out")


def test_mistakes_with_runs(
    runs: dict[str, Any], dataset: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "must be one of linear" in _fails(
        capfd, "train", "segmenter", dataset.path, "-o", tmp_path / "x", "--hypothesis", "cubic"
    )
    assert "needs pictures of at least" in _fails(
        capfd, "train", "classifier", dataset.path, "-o", tmp_path / "x", "--d", 7
    )
    assert "keeps the split it was built with" in _fails(
        capfd, "train", "classifier", dataset.path, "-o", tmp_path / "x", "--split", "6/2/2"
    )
    assert not (tmp_path / "x").exists()
    small = tmp_path / "small.png"
    _grey(small, (5, 5))
    copy = Path(shutil.copytree(runs["segmenter"].path, tmp_path / "run"))
    (copy / "normalisation.json").unlink()
    assert "normalisation.json" in _fails(capfd, "evaluate", copy)
    assert "run of `copper train`" in _fails(capfd, "predict", tmp_path, small, "-o", tmp_path / "y")
    assert main(["predict", str(runs["segmenter"].path), str(small), "-o", str(tmp_path / "z")]) == 2
    assert "small.png: this network needs pictures of at least 8x8 px" in capfd.readouterr().err
    assert "Received: r.doc" in _fails(capfd, "predict", copy, small, "-o", ".", "--table", "r.doc").replace("./", "")


def test_output_that_cannot_be_written(
    runs: dict[str, Any],
    sem_folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("in the way")
    picture = next((sem_folder / "t00").glob("*.png"))
    assert "a file is in the way" in _fails(
        capfd, "predict", runs["segmenter"].path, picture, "-o", tmp_path / "file" / "x"
    )
    import errno

    from copper_tf.inference import map_files as maps

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "map.tif")

    monkeypatch.setattr(maps, "write_map", full)
    assert "map.tif: " in (line := _fails(capfd, "predict", runs["segmenter"].path, picture, "-o", tmp_path / "o"))
    assert "the disk is full" in line


def test_usage_errors_and_interrupts(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No such command 'tarin'" in _fails(capfd, "tarin")
    assert "--d" in _fails(capfd, "train", "segmenter", "x", "-o", "y", "--d", "two")
    assert "d must be a whole number from 1 to 8. Received: 20" in _fails(
        capfd, "train", "segmenter", "x", "-o", "y", "--d", "20"
    )
    from copper_tf.cli import simulate

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "simulate", stop)
    assert main(["simulate", "x"]) == 130


def test_progress_without_a_terminal_is_a_line_for_every_tenth(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        for total in (500, 7):
            for done in range(total + 1):
                progress(done, total, f"counting {done} sheep")
    lines = [line.partition(",")[0] for line in capfd.readouterr().err.splitlines()]
    assert lines[:11] == [f"counting {k} sheep: {k}/500" for k in range(0, 501, 50)]
    assert lines[11:] == [f"counting {k} sheep: {k}/7" for k in range(8)]


def test_scores_are_printed_with_a_dash_for_what_is_unknown() -> None:
    from copper_tf.cli.tables import number

    assert number(0.25, [0.1, 0.5]) == "0.250 [0.100, 0.500]"
    assert number(math.nan) == number(None) == "–"
