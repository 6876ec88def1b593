"""Answers are saved at once, closed by submitting, and never confused or lost."""

from __future__ import annotations

import multiprocessing
import re
from pathlib import Path

import pytest

from copper_tf.analysis.blindtest.answers import AnswerLog, clean_name
from copper_tf.analysis.blindtest.folder import ROUNDS, open_test
from tests.blindtest_data import code_of, write_test
from tfds_copper.errors import InputError, SettingError

FIRST, SECOND = ROUNDS


def test_answers_are_closed_once_they_are_submitted(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    log = AnswerLog.register(test, "Anna")
    log.answer(FIRST, 0, 1, 1.0)
    with pytest.raises(SettingError, match="submit needs an answer to every picture. Received: 15 without"):
        log.submit(FIRST)
    for k in range(16):
        log.answer(FIRST, k, 1, 1.0)
    log.submit(FIRST)
    with pytest.raises(SettingError, match="can be changed until they are submitted"):
        log.answer(FIRST, 0, 2, 1.0)
    with pytest.raises(SettingError, match="must be a label of a picture of this test. Received: 4 of 0"):
        log.answer(SECOND, 0, 4, 1.0)
    assert log.round(FIRST).answers[0] == 1


def test_one_rater_is_not_taken_for_another(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    log = AnswerLog.register(test, "  Anna   K. ")
    assert log.rater == "Anna K." and re.fullmatch(r"\d{6}", log.code)
    with pytest.raises(InputError, match="this one is taken"):
        AnswerLog.register(test, "anna k.")
    with pytest.raises(InputError, match="the code shown when this rater registered"):
        AnswerLog.resume(test, "Anna K.", "000000" if log.code != "000000" else "1")
    with pytest.raises(InputError, match="an unknown name"):
        AnswerLog.resume(test, "Ben", "123456")
    assert AnswerLog.resume(test, "ANNA K.", f" {log.code[:3]} {log.code[3:]}").file == log.file
    names = ["../../etc/passwd", "日本", "..", "a/b", "a\\b", "CON", "x" * 60, "%2e%2e", "日 本"]
    files = {AnswerLog.register(test, name).file for name in names}
    assert len(files) == len(names) and {f.parent for f in files} == {test.path / "answers"}
    for bad in ("", "   ", "x" * 61, "a\x00b", "=1+1", "\u202eanna"):
        with pytest.raises(SettingError, match="rater must be a name"):
            clean_name(bad)


def _answers(path: str, name: str, start: int) -> None:
    test = open_test(Path(path))
    log = AnswerLog.register(test, name) if start < 0 else AnswerLog.resume(test, name, code_of(test, name))
    for turn in range(8):
        for k in range(max(start, 0), 16, 1 if start < 0 else 2):
            log.answer(FIRST, k, (k + turn + len(name)) % 4, 0.01)


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Two raters, and two pages of a third one, in processes of their own."""
    test = write_test(tmp_path)
    AnswerLog.register(test, "both")
    context = multiprocessing.get_context("spawn")
    jobs = [("a", -1), ("bb", -1), ("both", 0), ("both", 1)]
    workers = [context.Process(target=_answers, args=(str(tmp_path), *job)) for job in jobs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    for name in ("a", "bb", "both"):
        found = AnswerLog.resume(test, name, code_of(test, name)).round(FIRST)
        assert found.answers == {k: (k + 7 + len(name)) % 4 for k in range(16)}
        assert set(found.changes.values()) == {7}
