"""A made-up blind test for the tests: 16 pictures of 4 labels from 8 sheets, and the grades of one model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from copper_tf.analysis.blindtest.answers import AnswerLog, rater_logs
from copper_tf.analysis.blindtest.folder import (
    DESIGN,
    KEY,
    BlindTest,
    Design,
    Key,
    KeyPictures,
    ModelGrades,
    open_test,
)
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.runs.labels import Labels

TIMES = (0.0, 7.25, 19.5, 31.75)
LABEL = [k % 4 for k in range(16)]
# Of pictures 0 to 15; the model is one step too late on pictures 0, 5, 10 and right elsewhere.
MODEL = [1, 1, 2, 3, 0, 2, 2, 3, 0, 1, 3, 3, 0, 1, 2, 3]
# A rater who is right on 10 pictures, one step late on 4 (0, 1, 4, 5) and two steps late on 2 (8, 9).
LATE = [g + {0: 1, 1: 1, 4: 1, 5: 1, 8: 2, 9: 2}.get(k, 0) for k, g in enumerate(LABEL)]


def write_test(path: Path, with_map: bool = False, fingerprint: str = "f" * 64) -> BlindTest:
    """Writes the folder of a test, as `prepare` would."""
    generator = np.random.default_rng(0)
    for folder, count, shape in (("practice", 4, (48, 64)), ("pictures", 16, (48, 64)), ("maps", 16, (48, 64, 3))):
        (path / folder).mkdir(parents=True, exist_ok=True)
        for k in range(count if folder != "maps" or with_map else 0):
            pixels = generator.integers(0, 255, shape).astype(np.uint8)
            Image.fromarray(pixels).save(path / folder / f"{k:04d}.png")
    files = tuple(f"bath_{TIMES[k]:g}h/secretname{n:03d}.tif" for n, k in enumerate(LABEL))
    pictures = KeyPictures(files, tuple(f"hiddensheet{n // 2}" for n in range(16)), tuple(LABEL))
    models = (ModelGrades("net", "classifier", "median", ("net",), tuple(MODEL)),)
    created = "2024-01-01T00:00:00+00:00"
    Key("abc", created, "0", "hiddendata", fingerprint, (), pictures, (), models).write(path / KEY)
    settings = BlindSettings(with_map=with_map, seed=5)
    Design("abc", created, Labels(TIMES, "h"), settings, 16, (0, 3, 1, 2)).write(path / DESIGN)
    return open_test(path)


def submit(test: BlindTest, rater: str, grades: list[int], round: str = "without map") -> AnswerLog:
    """A rater answers every picture of a round with the grade of its number, and submits."""
    exists = AnswerLog.exists(test, rater)
    log = AnswerLog.resume(test, rater, code_of(test, rater)) if exists else AnswerLog.register(test, rater)
    log.start(round)
    for number in test.order(rater, round):
        log.answer(round, number, grades[number], 2.0)
    log.submit(round)
    return log


def code_of(test: BlindTest, rater: str) -> str:
    """The code of a rater, from the file that holds it."""
    return next(log.code for log in rater_logs(test) if log.rater == rater)
