"""A damaged file of a blind test is named in one line and left out; the others are scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copper_tf.analysis.blindtest.answers import AnswerLog, rater_logs
from copper_tf.analysis.blindtest.folder import DESIGN, KEY, ROUNDS, open_test, read_key
from copper_tf.analysis.blindtest.scoring import score
from copper_tf.cli.main import main
from tests.blindtest_data import LABEL, LATE, submit, write_test
from tfds_copper.errors import InputError

FIRST = ROUNDS[0]
DEEP = "[" * 100_000
# A whole line of JSON that is no event of this test.
LINES = [
    "[]", "1", "null", "{}", '{"event": []}', '{"event": {}}', '{"event": "nothing"}', '{"event": "answered"}',
    '{"event": "registered", "rater": {}}',
    *(json.dumps({"event": "answered", "round": FIRST, "picture": 0, "seconds": 1, "label": 0} | change)
      for change in ({"label": 4}, {"label": -1}, {"label": 1e999}, {"label": None}, {"label": "x"}, {"label": []},
                     {"picture": 16}, {"picture": -1}, {"picture": float("nan")}, {"seconds": float("inf")},
                     {"seconds": -1}, {"seconds": "x"}, {"seconds": float("nan")})),
    json.dumps({"event": "practised", "repetition": 1, "picture": 4, "label": 0}),
    json.dumps({"event": "practised", "repetition": 1, "picture": 0, "label": 99}),
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=[line[:40] + line[-12:] for line in LINES])
def test_a_damaged_line_is_named_and_its_file_left_out(tmp_path: Path, line: str) -> None:
    test = write_test(tmp_path)
    submit(test, "Anna", LATE)
    log = submit(test, "Ben", LABEL)
    with log.file.open("a") as stream:
        stream.write(line + "\n")
    damaged: list[InputError] = []
    assert [rater.rater for rater in rater_logs(test, damaged.append)] == ["Anna"]
    (error,) = damaged
    assert str(error).startswith(f"{log.file}: ") and "Received: " in str(error) and "\n" not in str(error)
    assert len(str(error)) < 500
    with pytest.raises(InputError):
        rater_logs(test)
    with pytest.raises(InputError):
        AnswerLog.resume(test, "Ben", log.code)


def test_the_others_are_scored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    test = write_test(tmp_path)
    submit(test, "Anna", LATE)
    files = [submit(test, name, LABEL).file for name in ("Ben", "Cleo", "Dan", "Eve")]
    lines = files[0].read_text().splitlines(keepends=True)
    files[0].write_text("".join(lines[1:]))  # without a name
    files[1].write_bytes(b"\0\xff" * 500)
    lines = files[2].read_text().splitlines(keepends=True)
    files[2].write_text("".join(line for line in lines if '"picture": 3' not in line))
    files[3].unlink()
    files[3].mkdir()
    # Control: what a killed server left unfinished is no damage, whatever it was.
    with next((test.path / "answers").glob("anna*")).open("a") as stream:
        stream.write(DEEP + '\n{"event": "answered", "round": "without map", "pict')
    assert main(["blindtest", str(test.path), "--score"]) == 0
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("copper: not scored: ")]
    assert len(said) == 4 and all(any(str(file) in line for line in said) for file in files)
    result = score(test)
    assert [grader.name for grader in result.graders] == ["Anna", "net"] and len(result.damaged) == 4


def _changed(file: Path, change: Callable[[Any], Any]) -> None:
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


CHANGES: list[tuple[str, str | Callable[[Any], Any]]] = [
    (DESIGN, "[]"), (DESIGN, "1"), (DESIGN, DEEP), (DESIGN, "\0"), (KEY, "[]"), (KEY, "null"), (KEY, DEEP), (KEY, ""),
    (DESIGN, lambda v: v["labels"].update(times=[])),
    (DESIGN, lambda v: v["labels"].update(times=[0, float("nan"), 1, 2])),
    (DESIGN, lambda v: v["labels"].update(times=[3, 2, 1, 0])),
    (DESIGN, lambda v: v.update(pictures=float("inf"))),
    (DESIGN, lambda v: v.update(pictures=0)),
    (DESIGN, lambda v: v.update(practice=[4])),
    (DESIGN, lambda v: v.update(practice=[])),
    (DESIGN, lambda v: v.pop("ident")),
    (KEY, lambda v: v["pictures"].update(label=[0])),
    (KEY, lambda v: v["pictures"].update(label=[4] * 16)),
    (KEY, lambda v: v["pictures"].update(file=["a"])),
    (KEY, lambda v: v["models"][0].update(grades=[0])),
    (KEY, lambda v: v["models"][0].update(grades=[-1] * 16)),
    (KEY, lambda v: v.update(models=7)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_a_damaged_design_or_key_is_one_line(tmp_path: Path, name: str, change: str | Callable[[Any], Any]) -> None:
    test = write_test(tmp_path)
    assert read_key(open_test(test.path)).ident == "abc"
    if isinstance(change, str):
        (test.path / name).write_text(change)
    else:
        _changed(test.path / name, change)
    with pytest.raises(InputError, match="Received: ") as error:
        read_key(open_test(test.path))
    assert name in str(error.value) and "\n" not in str(error.value)


def test_a_full_disk_takes_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = write_test(tmp_path)
    with monkeypatch.context() as full:
        full.setattr("os.fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            AnswerLog.register(test, "Anna")
    assert not list((test.path / "answers").iterdir()) and not AnswerLog.exists(test, "Anna")
    log = AnswerLog.register(test, "Anna")
    # What an earlier version left of a full disk is no rater.
    log.file.write_bytes(b"")
    assert not AnswerLog.exists(test, "Anna")
    assert AnswerLog.register(test, "Anna").rater == "Anna" and len(list((test.path / "answers").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["$x^y^z$", "$", "\\frac{", "<b>{{ 1 }}%s"])
def test_any_name_can_be_scored(tmp_path: Path, name: str) -> None:
    from copper_tf.api.apps import score_blindtest

    test = write_test(tmp_path)
    for file, old, new in ((DESIGN, '"h"', '"$x^y^z$"'), (KEY, '"net"', '"$a^b^c$"')):
        (test.path / file).write_text((test.path / file).read_text().replace(old, new))
    test = open_test(test.path)
    submit(test, name, LATE)
    assert [grader.name for grader in score_blindtest(test).graders] == [name, "$a^b^c$"]
    assert test.page.stat().st_size > 10_000
