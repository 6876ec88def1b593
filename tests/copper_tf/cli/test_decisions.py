"""Decisions from score tables on the command line: without TensorFlow, and with one line for each mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from copper_tf.cli.main import main
from tests.conftest import ROOT


def run_without_tensorflow(*words: object) -> str:
    """Runs a command in a process of its own, and returns what it prints; TensorFlow must not be imported."""
    code = (
        "import sys; from copper_tf.cli.main import main; code = main(sys.argv[1:]);"
        "sys.exit(code or 3 * any(m in sys.modules for m in ('tensorflow', 'keras')))"
    )
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout


def fails(capfd: pytest.CaptureFixture[str], *words: object) -> str:
    """Runs a command that must fail with one line, and returns it."""
    assert main([str(word) for word in words]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("copper: ")
    return line


def groups(place: Path) -> Path:
    """One table of two baths."""
    rng = np.random.default_rng(0)
    rows = [
        f"{bath}{s}-{k}.tif,{bath}{s},{bath},{0.5 + 0.1 * (bath == 'old') + rng.normal(0, 0.02):.4f}"
        for bath in ("old", "new") for s in range(4) for k in range(3)
    ]  # fmt: skip
    file = place / "scores.csv"
    file.write_text("file,sheet,bath,potency\n" + "\n".join(rows), encoding="utf-8")
    return file


def test_groups_are_compared_without_tensorflow(tmp_path: Path) -> None:
    words = ("compare-groups", groups(tmp_path), "--by", "bath", "--margin", 0.05, "-o", tmp_path / "out")
    shown = run_without_tensorflow(*words)
    assert "new is" in shown and "lower than old" in shown and "sheets of each group" in shown
    assert (tmp_path / "out" / "groups.html").is_file() and (tmp_path / "out" / "groups.xlsx").is_file()


def test_mistakes_of_comparing_get_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scores, out = groups(tmp_path), ("-o", tmp_path / "out")
    assert "one table alone" in fails(capfd, "compare-groups", scores, *out)
    assert "must have a column solution" in fails(capfd, "compare-groups", scores, "--by", "solution", *out)
    assert "must be a readable file" in fails(capfd, "compare-groups", scores, tmp_path / "no.csv", *out)
    assert "margin must be a number over 0" in fails(
        capfd, "compare-groups", scores, "--by", "bath", "--margin", 0, *out
    )
    assert not (tmp_path / "out").exists()


def simulated(place: Path, **settings: object) -> Path:
    """A simulated score table."""
    import copper_tf

    design = {"labels": 3, "sheets": 8, "pictures": 32, "lots": 4, "sheet_sd": 0.05, "start": 0.9, "end": 0.3}
    copper_tf.simulate(place / "sim", peel=True, tables=1, **(design | settings))  # type: ignore[arg-type]
    return place / "sim" / "scores-00001.csv"


def test_strength_is_calibrated_without_tensorflow(tmp_path: Path) -> None:
    scores = simulated(tmp_path)
    shown = run_without_tensorflow(
        "calibrate", scores, "--strength", "peel_N_per_mm", "--beside", "t", "etch_depth_um", "-o", tmp_path / "out"
    )
    assert "t and potency" in shown and "Strength follows the potency" in shown
    assert all((tmp_path / "out" / f"calibration.{ending}").is_file() for ending in ("json", "html", "xlsx"))


def test_mistakes_of_calibrating_get_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scores, out = simulated(tmp_path), ("-o", tmp_path / "out")
    assert "strength must be given" in fails(capfd, "calibrate", scores, *out)
    assert "must have a column peel" in fails(capfd, "calibrate", scores, "--strength", "peel", *out)
    wanted = ("calibrate", scores, "--strength", "peel_N_per_mm")
    assert "must have a column charge" in fails(capfd, *wanted, "--lot", "charge", *out)


def test_microscopes_are_gauged_without_tensorflow(tmp_path: Path) -> None:
    scores = simulated(tmp_path, pictures=64)
    shown = run_without_tensorflow("gauge", scores, "--factor", "operator", "microscope", "-o", tmp_path / "out")
    assert "%GRR" in shown and "Mend first" in shown and "sheet x microscope" in shown
    assert all((tmp_path / "out" / f"gauge.{ending}").is_file() for ending in ("json", "html", "xlsx"))


def test_mistakes_of_gauging_get_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scores, out = simulated(tmp_path), ("-o", tmp_path / "out")
    assert "must have a column camera" in fails(capfd, "gauge", scores, "--factor", "camera", *out)
    assert "precision must be a number over 0" in fails(capfd, "gauge", scores, "--precision", -1, *out)
    assert "can't be told from what sheets differ in" in fails(capfd, "gauge", scores, "--factor", "lot", *out)


def test_a_line_is_charted_without_tensorflow(tmp_path: Path) -> None:
    scores = simulated(tmp_path, labels=2, sheets=30, pictures=120, lots=1, operators=1, microscopes=1)
    words = ("chart", scores, scores.with_name("reference-00001.csv"), "--reference", "reference", "--only", "t=0")
    shown = run_without_tensorflow(*words, "-o", tmp_path / "out")
    assert "60 sheets added, 0 were there already; 30 days" in shown and "microscope" in shown
    assert all((tmp_path / "out" / f"chart.{ending}").is_file() for ending in ("csv", "json", "html", "xlsx"))


def test_an_alarm_has_an_exit_code(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [f"s{k},2026-01-{k:02d},{0.5 + 0.01 * (k % 3) + (k > 24):g}" for k in range(1, 29)]
    (tmp_path / "a.csv").write_text("sheet,date,potency\n" + "\n".join(rows))
    assert main(["chart", str(tmp_path / "a.csv"), "-o", str(tmp_path / "out")]) == 1
    assert "ALARM on 2026-01-28: the line or the microscope has moved up" in capfd.readouterr().out
    late = tmp_path / "late.csv"
    late.write_text("sheet,date,potency\nnew,2026-01-02,0.5\n")
    assert "or later. Received: new on 2026-01-02" in fails(capfd, "chart", late, "-o", tmp_path / "out")
