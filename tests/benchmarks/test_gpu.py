"""The check of a graphics card runs whole on a processor, small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu
from benchmarks.gpu import KINDS, RESULT, SECTIONS
from tests.conftest import ROOT

_COMMAND = [sys.executable, "-c", "from benchmarks.speed.racing import contend; contend(lambda: sum(range(1000)))"]


@pytest.mark.slow
def test_every_section_has_its_figures_on_a_processor(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", "--output", str(tmp_path), "--minutes", "20"]
    environment = {**os.environ, "PEERS": str(tmp_path / "none"), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200)
    found = json.loads((tmp_path / RESULT).read_text())
    sections: dict[str, list[dict[str, Any]]] = found["sections"]
    assert list(sections) == list(SECTIONS) and found["machine"]["cards"] == [], done.stderr
    ours = [row for row in sections["steps"] if row["who"].startswith("copper_tf")]
    assert {(row["network"], row["who"].split()[1]) for row in ours} == {
        (n, k) for n in ("classifier", "u-net") for k in KINDS
    }
    assert all(row["ms"] > 0 and row["TFLOP/s"] > 0 for row in ours)
    # The only figures that are missing: PyTorch has an environment of its own, and XLA takes no bilinear upsampling.
    failed = {(name, row["who"]): row["failed"] for name, rows in sections.items() for row in rows if "failed" in row}
    assert ("steps", "torch") in failed and "make peers" in failed["steps", "torch"]
    assert done.returncode == 1 and set(failed) <= {("steps", "torch"), ("xla", "XLA")}, failed
    assert all(row["measured MB"] > 0 and row["predicted MB"] > 0 for row in sections["memory"])
    statuses = [row["status"] for row in sections["search"]]
    assert statuses[-1] == "within" and {"done", "infeasible"} <= set(statuses[:-1])
    assert {row["network"] for row in sections["projected"]} == {"classifier", "segmenter"}
    assert all(row["hours"] == pytest.approx(row["steps"] * row["ms"] / 3.6e6) for row in sections["projected"])
    assert all(row["maps/s"] > 0 for row in sections["maps"]) and len(sections["maps"]) == 3


def test_what_comes_too_late_or_fails_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu._section("steps", "small", tmp_path, 0.0) == [{"who": "steps", "failed": "came too late"}]
    times = dict(gpu._timed({"good": _COMMAND, "bad": [sys.executable, "-c", "raise SystemExit('no card')"]}, 2))
    assert isinstance(times["good"], dict) and times["good"]["seconds"] > 0
    assert times["bad"] == "bad: must go on to its end. Received: no card"


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert gpu.main(["--output", str(tmp_path)]) == 2
    assert "must be an absent or empty folder" in capsys.readouterr().err
