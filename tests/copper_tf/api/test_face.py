"""What ``import copper_tf`` shows, and what it costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import copper_tf
from tests.conftest import ROOT

VERBS = (
    "simulate", "check", "build", "open_dataset", "train", "load", "evaluate", "trust", "baselines", "compare",
    "hypotheses", "search", "report", "predict", "bulk", "export", "view", "blindtest",
)  # fmt: skip


def test_the_face_is_sorted() -> None:
    assert copper_tf.__all__ == sorted(copper_tf.__all__)
    assert set(VERBS) <= set(copper_tf.__all__)


@pytest.mark.parametrize("name", copper_tf.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    shown = getattr(copper_tf, name)
    if inspect.isfunction(shown) or inspect.isclass(shown):
        assert inspect.getdoc(shown)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_typed_and_has_an_example(verb: str) -> None:
    function = getattr(copper_tf, verb)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())
    text = inspect.getdoc(function) or ""
    assert "Args:" in text and "Raises:" in text and "Example" in text


def test_an_import_takes_no_time_and_no_tensorflow() -> None:
    code = (
        "import sys, time; started = time.process_time(); import copper_tf; seconds = time.process_time() - started;"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'scipy'} & set(sys.modules); print(seconds)"
    )
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(seconds) < 0.5
