"""The examples in the docstrings of models and hypotheses run, and the public names are light to look up."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_MODULES = (
    "copper_tf.models.factory",
    "copper_tf.models.heads",
    "copper_tf.models.decoders",
    "copper_tf.models.losses",
    "copper_tf.decay.hypotheses",
)


@pytest.mark.parametrize("module", _MODULES)
def test_examples_run(module: str, registries: None) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted and not result.failed


def test_descriptions_need_no_tensorflow() -> None:
    code = "import sys; from copper_tf.models import network_of, register_head, register_decoder, Network\n"
    code += "from copper_tf.decay import HYPOTHESES; from copper_tf import default_config\n"
    code += "assert network_of(default_config('segmenter', 'paper')).receptive_field == 36\n"
    code += "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
