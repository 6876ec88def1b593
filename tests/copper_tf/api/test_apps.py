"""The viewer and the blind test from Python: the examples run, and what they serve is what was asked for."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.apps.web.server import LOOPBACK
from tests.blindtest_data import LABEL, LATE, submit, write_test
from tfds_copper.errors import InputError, SettingError

# Modules whose examples need neither a browser nor a model.
MODULES = (
    "analysis.blindtest.agreement",
    "analysis.blindtest.answers",
    "analysis.blindtest.sampling",
    "apps.blindtest.keyboard",
    "apps.viewer.pyramid",
    "apps.web.styles",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_rooms_run(name: str) -> None:
    if name.startswith("apps."):
        pytest.importorskip("panel", reason="Panel isn't installed")
    failed, run = doctest.testmod(importlib.import_module(f"copper_tf.{name}"))
    assert run and not failed


def test_examples_of_the_api_run(dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.api import apps

    monkeypatch.chdir(tmp_path)
    submitted = write_test(tmp_path / "submitted")
    submit(submitted, "Anna", LATE)
    names = {"copper_tf": copper_tf, "dataset": dataset.path, "submitted": submitted}
    failed, run = doctest.testmod(apps, extraglobs=names)
    assert run > 4 and not failed


def test_a_blind_test_is_prepared_once_and_continued(dataset: Any, tmp_path: Path) -> None:
    first = copper_tf.prepare_blindtest(str(dataset.path), str(tmp_path / "t"), pictures=3, practice=3, seed=4)
    again = copper_tf.prepare_blindtest([dataset.path], tmp_path / "t", pictures=3)
    opened = copper_tf.prepare_blindtest(tmp_path / "t")
    assert first == again == opened == copper_tf.open_blindtest(tmp_path / "t")
    assert (first.pictures, first.settings.seed) == (3, 4)
    with pytest.raises(SettingError, match="an existing test keeps its pictures and order; --with-map is for a new"):
        copper_tf.prepare_blindtest(tmp_path / "t", with_map=True)
    with pytest.raises(SettingError, match="decoding must be one of median, argmax. Received: 'best'"):
        copper_tf.prepare_blindtest(dataset.path, tmp_path / "new", decoding="best")
    with pytest.raises(SettingError, match="unknown setting 'colour'"):
        copper_tf.prepare_blindtest(tmp_path / "t", colour=1)


def test_a_scored_test_has_a_page(tmp_path: Path) -> None:
    test = write_test(tmp_path / "t")
    with pytest.raises(InputError, match="a round must be submitted before it is scored"):
        copper_tf.score_blindtest(test.path)
    submit(test, "right", LABEL)
    result = copper_tf.score_blindtest(test.path)
    assert result.graders[0].scores["accuracy"] == 1 and test.page.is_file()
    assert result.verdicts[0] in test.page.read_text()


def test_a_blind_test_is_served_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def serve(page: Any, address: str, port: int, on_start: Any, *_: Any) -> None:
        on_start(f"http://{address}:{port}/")

    monkeypatch.setattr("copper_tf.apps.web.server.serve", serve)
    monkeypatch.setattr("webbrowser.open", lambda url: calls.append((url,)))
    test = write_test(tmp_path / "t")
    assert copper_tf.blindtest(test.path, port=5100, on_start=lambda *given: calls.append(given)) == test
    assert copper_tf.blindtest(test) == test
    told, (opened,) = calls
    assert told == (f"http://{LOOPBACK}:5100/", test)
    # By a file, since all users of a machine can read the command line of a browser.
    assert f"http://{LOOPBACK}:5008/" in Path(opened.removeprefix("file://")).read_text()
