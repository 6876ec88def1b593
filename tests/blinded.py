"""A blind test of made-up pictures for the tests: 16 pictures of 4 labels from 8 sheets, and one model's grades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from copper_tf.analysis.blindtest.answers import AnswerBook
from copper_tf.analysis.blindtest.folder import FORMAT, KEY, TEST, BlindTest, open_test
from tfds_copper.files import write_json

TIMES = (0.0, 7.25, 19.5, 31.75)
LABEL = [k % 4 for k in range(16)]
# Of pictures 0 to 15; the model is one step too late on pictures 0, 5, 10 and right elsewhere.
MODEL = [1, 1, 2, 3, 0, 2, 2, 3, 0, 1, 3, 3, 0, 1, 2, 3]


def made_up(path: Path, with_map: bool = False, models: bool = True) -> BlindTest:
    """Writes the folder of a test by hand, as `prepare` would."""
    draw = np.random.default_rng(0)
    labels = {"times": list(TIMES), "unit": "h"}
    settings = {"pictures": 0, "practice": 0, "with_map": with_map, "seed": 5}
    practice = [0, 3, 1, 2]
    for what, count, shape in (("practice", 4, (48, 64)), ("pictures", 16, (48, 64)), ("maps", 16, (48, 64, 3))):
        (path / what).mkdir(parents=True, exist_ok=True)
        for k in range(count if what != "maps" or with_map else 0):
            Image.fromarray(draw.integers(0, 255, shape).astype(np.uint8)).save(path / what / f"{k:04d}.png")
    files = [f"bath_{TIMES[k]:g}h/secretname{n:03d}.tif" for n, k in enumerate(LABEL)]
    columns = {"file": files, "sheet": [f"hiddensheet{n // 2}" for n in range(16)], "label": LABEL}
    graders = [{"name": "net", "kind": "classifier", "decoding": "median", "paths": ["net"], "grades": MODEL}]
    key = {"ident": "abc", "created": "2024-01-01T00:00:00+00:00", "copper_tf": "0", "dataset": "hiddendata"}
    key |= {"fingerprint": "f" * 64, "caveats": [], "labels": labels, "pictures": columns, "practice": []}
    write_json(path / KEY, key | {"graders": graders if models else []})
    told = {"format": FORMAT, "ident": "abc", "created": key["created"], "labels": labels, "settings": settings}
    write_json(path / TEST, told | {"pictures": 16, "practice": practice})
    return open_test(path)


def take(test: BlindTest, rater: str, grades: list[int], round: str = "without map") -> AnswerBook:
    """A rater who answers every picture of a round with the grade of its number, and submits."""
    known = AnswerBook.known(test, rater)
    book = AnswerBook.resume(test, rater, code_of(test, rater)) if known else AnswerBook.enrol(test, rater)
    book.start(round)
    for number in test.order(rater, round):
        book.answer(round, number, grades[number], 2.0)
    book.submit(round)
    return book


def code_of(test: BlindTest, rater: str) -> str:
    """The code of a rater, from the file that holds it."""
    for file in (test.path / "answers").glob("*.jsonl"):
        first: dict[str, Any] = json.loads(file.read_text().splitlines()[0])
        if first["rater"] == rater:
            return str(first["code"])
    raise AssertionError(rater)
