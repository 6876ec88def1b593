"""The code of a rater can't be guessed through the page, and what can't be saved is said."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import pytest

pytest.importorskip("panel", reason="Panel isn't installed")

from copper_tf.analysis.blindtest.answers import AnswerLog  # noqa: E402
from copper_tf.analysis.blindtest.folder import ROUNDS  # noqa: E402
from copper_tf.apps.blindtest.guessing import Guesses  # noqa: E402
from copper_tf.apps.blindtest.page import Page  # noqa: E402
from tests.blindtest_data import write_test  # noqa: E402
from tfds_copper.errors import InputError  # noqa: E402


def _wait(guesses: Guesses, now: list[float]) -> float:
    """Seconds until a try passes, 1000 at most."""
    start = now[0]
    while now[0] < start + 1000:
        with contextlib.suppress(InputError):
            guesses.check("Anna")
            break
        now[0] += 0.5
    return now[0] - start


def test_each_wrong_code_doubles_the_wait_in_every_window(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    test, now = write_test(tmp_path), [0.0]
    code = AnswerLog.register(test, "Anna").code
    wrong = "000000" if code != "000000" else "000001"
    guesses = Guesses(clock=lambda: now[0])
    waits = []
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            with pytest.raises(InputError, match="the code shown when"):
                Page(test, guesses).enter("ANNA", wrong)
            # Even the right one: else a window could try without waiting.
            with pytest.raises(InputError, match="after a wrong code|is locked"):
                Page(test, guesses).enter("Anna", code)
            waits.append(_wait(guesses, now))
    assert waits == [*(2.0**k for k in range(9)), 1000.0]
    now[0] += 10**6
    with pytest.raises(InputError, match="locked, until who runs the test starts it anew"):
        Page(test, guesses).enter("anna", code)
    assert sum("a wrong code for 'ANNA'" in line for line in caplog.messages) == 10
    assert "locked" in caplog.messages[-1] and wrong not in caplog.text
    # Others aren't kept out, and a right code in time forgets the wrong ones.
    Page(test, guesses).enter("Ben", "")
    fresh = Guesses(clock=lambda: now[0])
    page = Page(test, fresh)
    for _ in range(11):
        with pytest.raises(InputError):
            page.enter("Anna", wrong)
        now[0] += 2
        page.enter("Anna", code)


def _told(page: Page) -> str:
    return str(page._message.object)


def test_a_rater_is_told_that_nothing_can_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = write_test(tmp_path)
    page = Page(test)
    page.enter("Anna", "")
    page.perform("end_practice")
    page.perform("start")
    page.perform("choose", 3)
    assert page.session is not None and page.session.choice == 3 and not _told(page)
    for number, reason in ((28, "its disk is full"), (30, "its folder can't be written")):
        with monkeypatch.context() as full:
            full.setattr("os.fsync", lambda _, number=number: (_ for _ in ()).throw(OSError(number, "no", "/secret")))
            for action in (lambda: page.on_key("7"), lambda: page.perform("choose", 0), lambda: page.on_key("Enter")):
                page.update()
                action()
                assert "This was not saved" in _told(page) and reason in _told(page)
                assert "secret" not in _told(page) and str(tmp_path) not in _told(page)
        assert page.session.position == 0
    page.on_key("7")
    assert not _told(page) and page.session.choice == 1
    assert list(page.session.log.round(ROUNDS[0]).answers.values()) == [1]


def test_no_message_names_a_folder_of_the_server(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    log = AnswerLog.register(test, "Anna")
    log.file.write_text("[]\n")
    page = Page(test)
    with pytest.raises(InputError) as error:
        page.enter("Anna", log.code)
    page._show_error(error.value)
    assert "must be an event" in _told(page) and str(tmp_path) not in _told(page)


def test_a_file_that_is_damaged_meanwhile_is_told(tmp_path: Path) -> None:
    page = Page(write_test(tmp_path))
    page.enter("Anna", "")
    page.perform("end_practice")
    page.perform("start")
    assert page.session is not None
    with page.session.log.file.open("a") as stream:
        stream.write("[]\n")
    page.session.reviewing = True
    for press in (lambda: page.on_key("s"), lambda: page.on_key("ArrowUp"), lambda: page.perform("choose", 1)):
        page._message.object = ""
        press()
        assert "must be an event of a blind test" in _told(page) and str(tmp_path) not in _told(page)
