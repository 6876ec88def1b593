"""The blind test as raters take it: in a browser, by keys, the server killed in the middle, and nothing leaking."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz.window import opened
from copper_tf.analysis.blindtest.answers import AnswerLog
from copper_tf.analysis.blindtest.folder import KEY, ROUNDS, BlindTest, open_test
from copper_tf.apps.blindtest.keyboard import TypedLabel
from copper_tf.apps.blindtest.session import DONE
from copper_tf.cli.main import main
from tests.blindtest_data import LABEL, LATE, MODEL, TIMES, code_of, submit, write_test
from tests.conftest import ROOT

FIRST, SECOND = ROUNDS
# What tells each stress time from the others when typed.
TYPED = ["0", "7", "1", "3"]
NAMES = ("secretname", "hiddensheet", "hiddendata", "bath_", ".tif", "key.json")


@contextlib.contextmanager
def _served(path: Path, address: str = "127.0.0.1") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A real `copper blindtest` in a process of its own, and its address."""
    command = [sys.executable, "-m", "copper_tf.cli.main", "blindtest", str(path), "--no-open", "--port", "0"]
    command += ["--address", address]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("http://"), first
        yield first.split()[0], process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class _Traffic:
    """All that goes over the wire of a page: addresses, headers, bodies and websocket messages."""

    def __init__(self, page: Any) -> None:
        self.messages: list[str] = []
        self.urls: list[str] = []
        page.on("response", self._response)
        page.on("websocket", self._socket)

    def _response(self, response: Any) -> None:
        self.urls.append(response.url)
        self.messages.append(f"{response.url} {json.dumps(response.headers)}")
        # The libraries themselves say nothing of this test.
        if "/static/" not in response.url:
            with contextlib.suppress(Exception):
                self.messages.append(response.body().decode("utf-8", "replace"))

    def _socket(self, socket: Any) -> None:
        self.urls.append(socket.url)
        for event in ("framereceived", "framesent"):
            socket.on(
                event, lambda data: self.messages.append(data if isinstance(data, str) else data.decode("latin-1"))
            )

    @property
    def text(self) -> str:
        return "\n".join(self.messages)


def _until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def _join(page: Any, address: str, name: str, code: str = "", begins: bool = True) -> None:
    page.goto(address)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your code").fill(code)
    page.get_by_label("Your code").press("Enter")
    # On a busy machine keys that a test presses at once would come before anyone listens.
    page.locator("[data-listening]").wait_for(state="attached")
    if begins:
        page.get_by_label("Your code").wait_for(state="detached")


def _practise(page: Any) -> None:
    for place in range(1, 5):
        page.get_by_text(f"Practice · picture {place} of 4").wait_for()
        page.keyboard.press("3")
        page.keyboard.press("Enter")
        page.get_by_text("true: ").wait_for()
        page.keyboard.press("Enter")
    page.get_by_text("Ready for the blind test?").wait_for()


def _answer(page: Any, test: BlindTest, name: str, grades: list[int], places: range, round: str = FIRST) -> None:
    log = AnswerLog.resume(test, name, code_of(test, name))
    order = test.order(name, round)
    for place in places:
        page.get_by_text(f"picture {place + 1} of 16").wait_for()
        page.keyboard.press(TYPED[grades[order[place]]])
        _until(lambda place=place: order[place] in log.round(round).answers, f"answer {place}")
        page.keyboard.press("Enter")


def _pictures_are_bare(text: str) -> int:
    """How many PNGs went over the wire; each must hold nothing but pixels."""
    pngs = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    for encoded in pngs:
        data, kinds, at = base64.b64decode(encoded), [], 8
        while at < len(data):
            kinds.append(data[at + 4 : at + 8])
            at += 12 + int.from_bytes(data[at : at + 4], "big")
        assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
    return len(pngs)


def _nothing_leaked(traffic: _Traffic, folder: str) -> None:
    """No name of a file, sheet or folder went over the wire; all is of this machine, and no picture has an address."""
    for name in (*NAMES, folder):
        assert name not in traffic.text, name
    addresses = {url for url in traffic.urls if not url.startswith("data:image/png;base64,")}
    ours = re.compile(r"(blob:)?(http|ws)://127\.0\.0\.1:\d+/([0-9a-f-]{36}|ws\b.*|static/.*|\?token=[\w-]+)?")
    assert not [url for url in addresses if not ours.fullmatch(url)]


def _scores_are_those_done_by_hand(folder: Path) -> None:
    result = json.loads((folder / "results.json").read_text())
    anna, seen, _ = result["graders"]
    assert anna["grades"] == LATE and seen["grades"] == MODEL
    assert anna["scores"]["accuracy"] == 10 / 16 and anna["scores"]["mae"] == 8 / 16
    assert 0 < anna["median_seconds"] < 20
    html = (folder / "blindtest.html").read_text()
    assert "On the same pictures Anna errs by 0.31 steps more than net" in html and "<script" not in html
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)", html)


def test_a_whole_test_by_keyboard_killed_resumed_submitted_and_scored(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_test(tmp_path / "t", with_map=True)
    # The server works without the key, so there is nothing that it could tell.
    key = (test.path / KEY).rename(tmp_path / "locked away")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    traffic, errors = _Traffic(page), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with _served(test.path) as (address, process):
        _join(page, address, "Anna")
        _practise(page)
        page.keyboard.press("Enter")
        _answer(page, test, "Anna", LATE, range(7))
        page.get_by_text("picture 8 of 16").wait_for()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with _served(test.path) as (address, _):
        _join(page, address, "anna", code_of(test, "Anna"))
        page.get_by_text("picture 8 of 16").wait_for()
        # Back, to change an answer and change it again.
        page.keyboard.press("ArrowUp")
        page.get_by_text("picture 7 of 16").wait_for()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowRight")
        _answer(page, test, "Anna", LATE, range(6, 16))
        page.get_by_text("All 16 pictures have an answer").wait_for()
        page.keyboard.press("s")
        page.get_by_text("The same pictures, with a map").wait_for()
        page.keyboard.press("Enter")
        _answer(page, test, "Anna", MODEL, range(16), SECOND)
        page.keyboard.press("s")
        page.get_by_text("Submitted. Thank you!").wait_for()
    page.close()
    assert not errors
    _nothing_leaked(traffic, str(tmp_path))
    # 4 to practise, 16 and two of them twice, then 16 with as many maps.
    assert _pictures_are_bare(traffic.text) >= 4 + 18 + 32
    key.rename(test.path / KEY)
    assert main(["blindtest", str(test.path), "--score"]) == 0
    assert "Anna errs" in capsys.readouterr().out
    _scores_are_those_done_by_hand(test.path / "results")


def test_what_is_sent_does_not_hang_on_the_labels(browser: Any, tmp_path: Path) -> None:
    """Control: in practice the truth is in the traffic, after the answer and not before; in the test it never is."""
    test = write_test(tmp_path / "t")
    page = browser.new_page()
    traffic = _Traffic(page)
    with _served(test.path) as (address, _):
        _join(page, address, "Anna")
        page.get_by_text("Practice · picture 1 of 4").wait_for()
        page.keyboard.press("7")
        time.sleep(0.3)
        assert "true: " not in traffic.text
        page.keyboard.press("Enter")
        page.get_by_text("true: ").wait_for()
        assert f"true: {TIMES[test.practice[test.order('Anna', 'practice 1')[0]]]:g} h" in traffic.text
        page.get_by_text("End practice").click()
        page.get_by_text("Ready for the blind test?").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("picture 1 of 16").wait_for()
        # From here on: nothing but counts, pixels and which button was chosen.
        traffic.messages.clear()
        for place in range(1, 6):
            page.get_by_text(f"picture {place} of 16").wait_for()
            page.keyboard.press("7")
            page.keyboard.press("Enter")
        page.get_by_text("picture 6 of 16").wait_for()
    page.close()
    sent = re.sub(r"base64,[A-Za-z0-9+/=]+", "", traffic.text)
    assert len(sent) > 1000
    assert not [t for t in TIMES[1:] if f"{t:g}" in sent] and "true" not in re.sub(r"[:,]\s*true\b", "", sent)


def test_two_raters_at_once_do_not_disturb_each_other(browser: Any, tmp_path: Path) -> None:
    test = write_test(tmp_path / "t")
    with _served(test.path) as (address, _):
        pages = {name: browser.new_context().new_page() for name in ("Anna", "Ben")}
        grades = {"Anna": LABEL, "Ben": LATE}
        for name, page in pages.items():
            _join(page, address, name)
            page.get_by_text("End practice").click()
            page.get_by_text("Ready for the blind test?").wait_for()
            page.keyboard.press("Enter")
        for place in range(16):
            for name, page in pages.items():
                _answer(page, test, name, grades[name], range(place, place + 1))
        # One pauses, the other submits.
        pages["Anna"].keyboard.press("ArrowUp")
        pages["Anna"].get_by_text("picture 16 of 16").wait_for()
        pages["Anna"].keyboard.press("p")
        pages["Anna"].get_by_text("No time is counted").wait_for()
        pages["Ben"].get_by_text("All 16 pictures have an answer").wait_for()
        pages["Ben"].get_by_text("Submit", exact=True).click()
        pages["Ben"].get_by_text("Submitted. Thank you!").wait_for()
        assert pages["Anna"].get_by_text("No time is counted").is_visible()
        # A third window can't be Anna without her code.
        third = browser.new_context().new_page()
        _join(third, address, "ANNA", "12", begins=False)
        third.get_by_text("the code shown when this rater registered is needed").wait_for()
        for page in (*pages.values(), third):
            page.context.close()
    books = {name: AnswerLog.resume(test, name, code_of(test, name)).round(FIRST) for name in grades}
    assert [books["Anna"].submitted, books["Ben"].submitted] == [False, True]
    for name, book in books.items():
        assert book.answers == dict(enumerate(grades[name]))
    assert test.order("Anna", FIRST) != test.order("Ben", FIRST)


def test_no_address_leads_to_a_file(tmp_path: Path) -> None:
    test = write_test(tmp_path / "t", with_map=True)
    paths = ["key.json", "test.json", "pictures/0000.png", "maps/0000.png", "answers/", "../key.json", "..%2fkey.json"]
    paths += [
        f"static/{'../' * 9}{test.path}/key.json",
        f"static/..%2f..%2f..{test.path}/key.json",
        f"/{test.path}/key.json",
    ]
    with _served(test.path) as (address, _):
        base, opener = opened(address)
        for path in paths:
            try:
                with opener.open(base + path, timeout=10) as response:
                    body = response.read()
            except urllib.error.HTTPError as error:
                assert error.code in (400, 403, 404), path
                body = error.read()
            assert b"secretname" not in body and b"PNG" not in body[:8], path
        with opener.open(base, timeout=10) as response:
            assert response.status == 200


@pytest.mark.parametrize("given", ["127.0.0.1", "0.0.0.0"])
def test_every_address_needs_the_token(browser: Any, tmp_path: Path, given: str) -> None:
    test = write_test(tmp_path / "t")
    with _served(test.path, given) as (address, _):
        port = re.findall(r":(\d+)/", address)[0]
        here, token = f"http://127.0.0.1:{port}/", address.split("?")[1]
        for wrong in ("", "?token=", "?token=guess", "?token=%FF"):
            with pytest.raises(urllib.error.HTTPError, match="403|400"):
                urllib.request.urlopen(here + wrong, timeout=10)
        page = browser.new_context().new_page()
        _join(page, f"{here}?{token}", "Anna")
        page.get_by_text("Practice · picture 1 of 4").wait_for()
        cookie = page.context.cookies()[0]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
        page.context.close()


def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    test = write_test(tmp_path / "t")
    with _served(test.path) as (address, _):
        port = re.findall(r":(\d+)/", address)[0]
        command = [sys.executable, "-m", "copper_tf.cli.main", "blindtest", str(test.path), "--no-open", "--port", port]
        again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert again.returncode == 2 and again.stderr.startswith("copper: address and port must be this machine's and free")
    assert len(again.stderr.splitlines()) == 1


def test_two_windows_of_one_rater_agree_on_what_is_saved(tmp_path: Path) -> None:
    from copper_tf.apps.blindtest.page import Page

    test = write_test(tmp_path / "t")
    first, second = Page(test), Page(test)
    first.enter("<b>Anna</b>", "")
    first.perform("end_practice")
    first.perform("start")
    second.enter("<b>Anna</b>", code_of(test, "<b>Anna</b>"))
    assert first.session is not None and second.session is not None
    for number in test.order("<b>Anna</b>", FIRST):
        first.perform("choose", LABEL[number])
        first.on_key("Enter")
    assert second.session.unanswered == 0
    first.on_key("s")
    # What the other window still shows is closed: it says so and follows.
    second.on_key("3")
    assert second.session.stage == DONE
    assert "can be changed until they are submitted" in str(second._message.object)
    assert "<b>Anna" not in str(first._header.object)
    for noise in ("", "x" * 9, "ArrowRight", "S", "\x00"):
        second.on_key(noise)
    assert second.session.log.round(FIRST).answers == dict(enumerate(LABEL))


def test_typed_numbers_are_labels() -> None:
    now = [0.0]
    typed = TypedLabel([str(k) for k in range(16)], lambda: now[0])
    assert [typed.add("1"), typed.add("2"), typed.add("2")] == [1, 12, 2]
    assert typed.add("1") == 1
    now[0] += 2
    assert typed.add("2") == 2
    typed = TypedLabel(["0", "2.5", "2.75", "10"], lambda: now[0])
    assert [typed.add(key) for key in "2.5"] == [None, None, 1]
    assert [typed.add(key) for key in "2.7"] == [None, None, 2]
    assert [typed.add(key) for key in "19"] == [3, None]


def test_the_command_says_what_is_wrong(tmp_path: Path, capfd: pytest.CaptureFixture[str], dataset: Any) -> None:
    test = write_test(tmp_path / "t")

    def fails(*arguments: object) -> str:
        assert main(["blindtest", *map(str, arguments)]) == 2
        (line,) = [text for text in capfd.readouterr().err.splitlines() if text.startswith("copper: ")]
        return line

    assert "must be an evaluated run, a dataset, or the folder of a test. Received: nothing there" in fails("nowhere")
    assert "output must be a folder for the new test, by -o. Received: none" in fails(dataset.path)
    assert "keeps its pictures and order; --seed is for a new one" in fails(test.path, "--seed", 3)
    assert "address must be the IP address" in fails(test.path, "--address", "there")
    assert "a round must be submitted before it is scored" in fails(test.path, "--score")
    assert "with_map needs a run whose maps can be shown" in fails(dataset.path, "-o", tmp_path / "n", "--with-map")
    assert "holds a test with other sources or settings" in fails(dataset.path, "-o", test.path, "--pictures", 3)


@pytest.mark.slow
def test_the_command_prepares_a_test_and_scores_it(runs: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    served: list[Any] = []
    monkeypatch.setattr("copper_tf.apps.web.server.serve", lambda page, *_: served.append(page))
    command = ["blindtest", str(runs["classifier"].path), str(runs["segmenter"].path), "-o", str(tmp_path / "t")]
    assert main([*command, "--with-map", "--pictures", "6", "--no-open"]) == 0
    assert main([*command, "--with-map", "--pictures", "6", "--no-open"]) == 0  # the same again goes on
    test = open_test(tmp_path / "t")
    assert len(served) == 2 and test.pictures == 6 and test.settings.with_map
    key = json.loads((test.path / KEY).read_text())
    submit(test, "Anna", key["pictures"]["label"])
    assert main(["blindtest", str(test.path), "--score"]) == 0
    result = json.loads((test.path / "results" / "results.json").read_text())
    assert [g["kind"] for g in result["graders"]] == ["rater", "classifier", "segmenter"]
    assert result["graders"][0]["scores"]["accuracy"] == 1 and len(result["differences"]) == 2
    assert (test.path / "results" / "figures" / "side_by_side.png").stat().st_size > 10_000
