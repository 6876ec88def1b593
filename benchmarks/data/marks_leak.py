"""Does cutting text off that is burnt into pictures keep a model from grading by it? And would inpainting it?

Pictures whose texture says nothing of t, with a date over them that follows t and a counter that doesn't. Kept, the
date lets everyone grade; cut off by the rows that `copper check` names, nothing is left to grade by, and scores must be
those of chance. Inpainted, it is gone to the eye, but the smooth patches have the shapes of its digits. Run as
``python -m benchmarks.data.marks_leak``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.seeds import spread
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from tfds_copper.dataset import Dataset
from tfds_copper.files import write_json

__all__ = ["main"]

_LABELS, _HEIGHT, _WIDTH, _TEXT = 4, 112, 160, 14
KEPT, INPAINTED, CUT = "kept", "inpainted", "cut off"
_READERS = {"linear": "linear, by place", "lbp": "LBP", "histogram": "grey values", "network": "network"}
# Crops stay upright, since text does; they are as high as what is left of the pictures.
_LEARNER = {"c": 12, "d": 3, "epochs": 16, "learning_rate": 0.002, "symmetry": "none", "batch_size": 16}
# Chance is 0; with 40 test pictures its standard deviation is about .16.
_MOST_BY_CHANCE, _LEAST_BY_TEXT = 0.4, 0.8


def _burnt(pixels: np.ndarray, label: int, number: int) -> np.ndarray:
    """A picture with a date that follows the label and a counter at its lower border, white with a black outline."""
    image = Image.fromarray(pixels)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(_TEXT)
    text = f"{2016 + label}/{1 + 3 * label:02d}/{11 + 5 * label}  {number:04d}"
    pen.text((4, _HEIGHT - _TEXT - 6), text, fill=255, font=font, stroke_width=1, stroke_fill=0)
    return np.asarray(image)


def _inpainted(marked: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """The marked picture with all that the text changed, and 1 px around it, inpainted: the best mask there can be."""
    from scipy.ndimage import binary_dilation
    from skimage.restoration import inpaint_biharmonic

    filled = inpaint_biharmonic(marked / 255.0, binary_dilation(marked != plain, iterations=1))
    return np.clip(np.rint(255 * filled), 0, 255).astype(np.uint8)


def _worlds(place: Path, seed: int) -> dict[str, Path]:
    """The same null world with its text, and with the text inpainted."""
    from copper_tf.simulation import SimulationSettings, simulate

    settings = SimulationSettings(
        labels=_LABELS, pictures=40, sheets=8, height=_HEIGHT, width=_WIDTH, world="null", seed=seed
    )
    folders = {name: simulate(place / name, settings, workers=1) for name in (KEPT, INPAINTED)}
    for number, file in enumerate(sorted(folders[KEPT].glob("t*/*.png"))):
        plain = np.asarray(Image.open(file))
        marked = _burnt(plain, int(file.parent.name[1:]), number)
        Image.fromarray(marked).save(file)
        Image.fromarray(_inpainted(marked, plain)).save(folders[INPAINTED] / file.relative_to(folders[KEPT]))
    return {**folders, CUT: folders[KEPT]}


def _linear(dataset: Dataset, seed: int) -> float:
    """QWK of a linear classifier of the lowest rows: of each pixel, and of how rough the picture is there."""
    from scipy.ndimage import laplace, uniform_filter
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from copper_tf.data.pictures import examples
    from copper_tf.statistics.scores import step_scores

    def seen(pixels: np.ndarray) -> np.ndarray:
        lowest = pixels[-2 * _TEXT :] / 255.0
        return np.stack([lowest, np.log(uniform_filter(laplace(lowest) ** 2, 3) + 1e-6)]).ravel()

    split = {name: [(seen(e.pixels), e.label) for e in examples(dataset, name)] for name in ("train", "test")}
    (values, known), (new, truth) = ((np.array(part) for part in zip(*rows, strict=True)) for rows in split.values())
    reader = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=200, random_state=seed))
    grades = reader.fit(values, known).predict(new)
    return float(step_scores({"label": truth, "grade": grades}, _LABELS)["qwk"])


def _scores(place: Path, arm: str, folder: Path, seed: int, all_readers: bool) -> dict[str, float]:
    """QWK on the test pictures of each reader, after the build that `copper check` proposes where text is cut off."""
    from copper_tf.analysis.baselines.baselines import score_graders
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.config import PAPER, default_config
    from copper_tf.data.normalisation import Normalisation
    from copper_tf.data.pictures import load_pictures
    from copper_tf.training.loop import train
    from tfds_copper.audit.burnt_in import burnt_in
    from tfds_copper.audit.survey import survey_folder
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import open_dataset
    from tfds_copper.folder.scan import scan
    from tfds_copper.micrograph import ReadSettings
    from tfds_copper.splits.assign import SplitSettings

    with progress_bar() as progress:
        reading = ReadSettings()
        if arm == CUT:
            (marks,) = burnt_in(survey_folder(scan(folder)))
            reading = ReadSettings(bar=marks.bar)
        dataset = open_dataset(build(folder, place / f"data_{arm}", SplitSettings("4/2/2"), reading, progress))
        found = {"linear": _linear(dataset, seed)}
        if all_readers:
            pictures = load_pictures(dataset, "train")
            how = Normalisation("dataset", pictures.mean, pictures.sd, 31)
            graded = score_graders(dataset, how, seed, progress, ("lbp", "histogram"))
            found |= {name: float(baseline.scores["qwk"]) for name, baseline in graded.items()}
            config = default_config("classifier", PAPER, crop=pictures.smallest_side // 8 * 8, **_LEARNER, seed=seed)
            run = train(config, dataset, place / f"run_{arm}", progress=progress)
            found["network"] = float(evaluate(run, dataset, progress).splits["test"].scores["qwk"])
    return found


def main() -> int:
    """Prints and writes the scores; 1 where text leaks after the cut, or the control reads nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--all-readers", type=int, default=2, help="seeds that a network and the baselines read, too")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/marks_leak.json"))
    asked = parser.parse_args()
    scores: dict[str, dict[str, list[float]]] = {arm: {} for arm in (KEPT, INPAINTED, CUT)}
    for seed in range(asked.seeds):
        with tempfile.TemporaryDirectory() as place:
            for arm, folder in _worlds(Path(place), seed).items():
                for reader, qwk in _scores(Path(place), arm, folder, seed, seed < asked.all_readers).items():
                    scores[arm].setdefault(reader, []).append(qwk)
        write_json(asked.output, {"labels": _LABELS, "test_pictures": 40, "qwk": scores})
    rows = [[arm, *(spread(of_arm[name]) for name in of_arm)] for arm, of_arm in scores.items()]
    print_table(["text", *(f"QWK, {_READERS[name]}" for name in scores[KEPT])], rows)
    read = min(scores[KEPT]["linear"])
    left = max(abs(float(np.mean(values))) for values in scores[CUT].values())
    return 0 if read >= _LEAST_BY_TEXT and left <= _MOST_BY_CHANCE else 1


if __name__ == "__main__":
    sys.exit(main())
