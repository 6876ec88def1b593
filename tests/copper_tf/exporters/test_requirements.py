"""An export says which packages it was verified with; they make an environment that predicts without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from copper_tf.exporters.export import export_run
from copper_tf.exporters.requirements import REQUIREMENTS, requirements_text
from tests.conftest import ROOT


def _listed(formats: list[str]) -> dict[str, str]:
    lines = [line for line in requirements_text(formats).splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize(
    ("formats", "runtimes"),
    [
        (["savedmodel", "onnx"], {"onnxruntime"}),
        (["openvino", "openvino-int8", "litert"], {"openvino", "ai-edge-litert"}),
        (["savedmodel"], {"tensorflow", "keras"}),
    ],
)
def test_the_runtimes_of_an_export_are_listed_and_tensorflow_only_where_nothing_else_opens_it(
    formats: list[str], runtimes: set[str]
) -> None:
    for name in runtimes - {"tensorflow", "keras"}:
        pytest.importorskip(name.replace("-", "_"))
    found = _listed(formats)
    known = {"onnxruntime", "openvino", "ai-edge-litert", "tensorflow", "keras"}
    assert set(found) & known == runtimes and "openvino-telemetry" not in found
    assert all(version == metadata.version(name) for name, version in found.items())
    # Whole: what the packages need is listed, too.
    assert {"attrs", "et-xmlfile", "numpy", "typing-extensions"} <= set(found)


def _run(*words: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, **kwargs)


@pytest.mark.slow
def test_a_factory_pc_needs_no_more(runs: dict[str, Any], sem_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export_run(runs["segmenter"], tmp_path / "MODEL", ["onnx"])
    venv.create(tmp_path / "pc", with_pip=True)
    python = tmp_path / "pc" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = _run(*install, "-r", tmp_path / "MODEL" / REQUIREMENTS)
    if done.returncode:
        pytest.skip(f"pip reaches no index here: {done.stderr.strip().splitlines()[-1]}")
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    assert _run(*wheel).returncode == 0
    assert _run(*install, *tmp_path.glob("copper_tf-*.whl")).returncode == 0
    installed = _run(python, "-m", "pip", "list", "--format", "freeze").stdout.lower()
    assert "onnxruntime==" in installed and "tensorflow" not in installed and "keras" not in installed
    # As one calls it on such a PC, and with a table for Excel.
    code = "import sys; from copper_tf.cli.main import main; sys.exit(main())"
    words = ["predict", tmp_path / "MODEL", sem_folder / "t01", "--table", "predictions.xlsx", "-o", tmp_path / "out"]
    done = _run(python, "-c", code, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "predictions.xlsx").is_file() and list((tmp_path / "out" / "maps").glob("*.tif"))
    done = _run(python, "-c", code, "predict", tmp_path / "MODEL", tmp_path / "none.png", "-o", tmp_path / "x")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    done = _run(python, "-c", code, "bulk", tmp_path / "MODEL", sem_folder / "t01", "-o", tmp_path / "bulk")
    said = "copper: needs the package apache_beam; install all of copper-tf. Received: no such"
    assert done.returncode == 2 and done.stderr.splitlines() == [said]
