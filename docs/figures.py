"""Draws the pictures of the docs from what the product makes: ``make figures`` after ``make demo``.

    python docs/figures.py demo                  # maps and simulated; check and report where a Chromium is installed
    python docs/figures.py demo --study H        # the ageing curves of a `copper hypotheses` too
    python docs/figures.py demo --paper paper    # the paper's figures too, after `make paper`

The viewer and the blind test have to be photographed by hand, 1440x900 px, since their pictures show a person's notes.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

import copper_tf
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.hypotheses.results import STUDY, HypothesisStudy
from copper_tf.reports.common.pdf import find_browser
from copper_tf.reports.common.style import png
from copper_tf.reports.evaluation.page import evaluation_figures
from copper_tf.reports.hypotheses.page import hypotheses_figures
from copper_tf.runs.run import open_run
from copper_tf.simulation import SimulationSettings, render_contact_sheet

IMAGES = Path(__file__).parent / "images"
# Enough for grey and both colours of maps, and a fifth of the bytes.
_COLOURS, _WIDEST = 128, 1150
# Grain compresses badly.
_PAPER = {"figure3": 600, "figure5": 900, "figure9": 900}


def keep(picture: Image.Image, name: str, widest: int = _WIDEST) -> None:
    """Writes a picture of the docs, small enough to be committed."""
    if picture.width > widest:
        picture = picture.resize((widest, picture.height * widest // picture.width), Image.Resampling.LANCZOS)
    few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)
    print(IMAGES / f"{name}.png")


def photograph(page: Path, name: str, width: int, height: int) -> None:
    """A page as a browser shows it; nothing where no Chromium is installed."""
    browser = find_browser()
    if browser is None:
        print(f"{name}: no Chromium or Chrome on PATH, left as it is")
        return
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [browser, "--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
        subprocess.run([*command, f"--screenshot={shot}", page.resolve().as_uri()], check=True, capture_output=True)
        with Image.open(shot) as picture:
            keep(picture, name)


def main() -> None:
    """Draws all that can be drawn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("demo", type=Path, help="the folder of `make demo`")
    parser.add_argument("--study", type=Path, help="a folder of `copper hypotheses`")
    parser.add_argument("--paper", type=Path, help="the folder of `make paper`")
    asked = parser.parse_args()
    if asked.paper:
        for file in sorted((asked.paper / "figures").glob("figure*.png")):
            keep(Image.open(file), f"paper-{file.stem}", _PAPER.get(file.stem, _WIDEST))
    run = open_run(asked.demo / "fit" / "segmenter")
    truth = png(evaluation_figures(run, run.read(Evaluation))["truth"])
    keep(Image.open(io.BytesIO(truth)), "maps")
    keep(render_contact_sheet(SimulationSettings(labels=8, pictures=1, sheets=1, lots=1)), "simulated")
    photograph(asked.demo / "fit" / "report" / "report.html", "report", 1040, 1300)
    with tempfile.TemporaryDirectory() as folder:
        # A folder whose brightness gives the answer away.
        told = copper_tf.simulate(Path(folder) / "copper", world="confound", labels=4, pictures=10, sheets=5,
                                  height=128, width=128)  # fmt: skip
        page = copper_tf.check(told, Path(folder) / "check").page
        if page is not None:
            photograph(page, "check", 640, 1590)
    if asked.study:
        curves = png(hypotheses_figures(HypothesisStudy.read(asked.study / STUDY))["curves"])
        keep(Image.open(io.BytesIO(curves)), "ageing")


if __name__ == "__main__":
    main()
