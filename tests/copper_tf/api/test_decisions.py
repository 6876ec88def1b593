"""The examples of decisions run, and a model's predictions carry the strength of their sheets."""

from __future__ import annotations

import csv
import doctest
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.api import decisions
from tfds_copper.errors import InputError


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, run = doctest.testmod(decisions, extraglobs={"copper_tf": copper_tf, "Path": Path})
    assert run >= 10 and not failed


def test_predicted_sheets_have_a_strength(runs: dict[str, Any], sem_folder: Path, tmp_path: Path) -> None:
    scored = copper_tf.predict(runs["segmenter"], sem_folder, tmp_path / "known")
    sheets = sorted({row.sheet for row in scored.rows})
    text = "sheet,lot,peel_N_per_mm\n" + "".join(f"{s},lot{k % 2},{0.5 + 0.01 * k}\n" for k, s in enumerate(sheets))
    (tmp_path / "strengths.csv").write_text(text)
    copper_tf.calibrate(
        tmp_path / "known", "peel_N_per_mm", labels=tmp_path / "strengths.csv", output=tmp_path / "calibration"
    )
    result = copper_tf.predict(runs["segmenter"], sem_folder, tmp_path / "new", calibration=tmp_path / "calibration")
    with (tmp_path / "new" / "predictions_sheets.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(sheets) and all(float(row["peel_N_per_mm"]) > 0 for row in rows)
    assert all(row["calibration"] == "" for row in rows)
    assert not any("calibration" in text for text in result.warnings)
    with pytest.raises(InputError, match="must be of the score median grade t"):
        copper_tf.predict(runs["classifier"], sem_folder, tmp_path / "x", calibration=tmp_path / "calibration")


@pytest.mark.slow
def test_a_report_says_whether_it_will_hold(
    runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))  # no browser: no PDF
    rows = [f"s{k},lot{k % 3},{0.2 + 0.04 * k:g},{0.3 + 0.03 * k + 0.02 * (k % 2):g}" for k in range(12)]
    for score in ("potency", "median grade t"):
        (tmp_path / "scores.csv").write_text("\n".join([f"sheet,lot,{score},peel_N_per_mm", *rows]))
        copper_tf.calibrate(tmp_path / "scores.csv", "peel_N_per_mm", output=tmp_path / score)
    result = copper_tf.report(runs["segmenter"], tmp_path / "report", calibration=tmp_path / "potency")
    page = result.page.read_text(encoding="utf-8") if result.page else ""
    assert "Will it hold?" in page and "Strength follows the potency" in page
    assert result.calibration and copper_tf.Report.read(tmp_path / "report" / "report.json").calibration
    assert (tmp_path / "report" / "figures" / "left_out.png").is_file()
    with pytest.raises(InputError, match="must be of potency, which the models give. Received: median grade t"):
        copper_tf.report(runs["segmenter"], tmp_path / "other", calibration=tmp_path / "median grade t")


@pytest.mark.slow
def test_the_road_from_pictures_to_decisions(
    runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """By the README's commands, and calibration and prediction of unseen lots by the API."""
    from copper_tf.cli.main import main

    monkeypatch.chdir(tmp_path)
    words = "--peel --labels 3 --pictures 32 --sheets 4 --lots 2 --height 64 --width 80 --sheet-sd 0.05 --end 0.2"
    assert main(f"simulate SEM {words}".split()) == 0
    assert main(["predict", str(runs["segmenter"].path), "SEM", "-o", "PREDICTED"]) == 0
    read = "PREDICTED --labels SEM/labels.csv"
    assert main(f"calibrate {read} --strength peel_N_per_mm -o CALIBRATION".split()) == 0
    assert main(f"compare-groups {read} --by lot --margin 0.05 -o GROUPS".split()) == 0
    assert main(f"gauge {read} -o GAUGE".split()) == 0
    assert main(f"chart {read} --only t=0 -o CHART".split()) == 0
    new = copper_tf.simulate("NEW", labels=2, pictures=4, sheets=2, lots=2, height=64, width=80, seed=7)
    copper_tf.predict(runs["segmenter"], new, "UNSEEN", calibration="CALIBRATION")
    with Path("UNSEEN", "predictions_sheets.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert all(float(r["peel_N_per_mm 95% low"]) <= max(0, float(r["peel_N_per_mm"])) for r in rows)
