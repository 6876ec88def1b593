"""A package as bioimage.io describes it, so that Fiji, napari and others open the model; its own validator decides."""

from __future__ import annotations

import datetime
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from copper_tf.inference.exported.metadata import INPUT, ModelMetadata
from copper_tf.inference.exported.telemetry import without_telemetry
from copper_tf.models.picture_sizes import smallest_picture
from tfds_copper.children import SAFE_PATH
from tfds_copper.errors import OutputError

__all__ = ["PACKAGE", "check_package", "write_package"]

# The package of its validator, as Python imports it.
PACKAGE = "bioimageio.core"
_SPEC = "0.5.4"
_PAPER = "Hascoet et al., Assisting human experts in the interpretation of their visual process, 2019"
_WEIGHTS, _README = "model.onnx", "README.md"
# How far another runtime may be from the test output: float32 sums in another order.
_TOLERANCE = {"relative_tolerance": 1e-3, "absolute_tolerance": 1e-4}
_PASSED = "passed"
_CHECK = """
import sys
from bioimageio.core import test_model
summary = test_model(sys.argv[1])
wrong = [
    f"{'.'.join(map(str, error.loc))}: {error.msg}".replace("\\n", " ")
    for detail in summary.details for error in detail.errors
]
print(summary.status if not wrong else wrong[0])
"""


def _readme(metadata: ModelMetadata, license: str) -> str:
    labels = ", ".join(metadata.labels.names)
    sizes = ", ".join(f"{size} nm ({count} pictures)" for size, count in metadata.pixel_sizes_nm.items())
    notes = "\n".join(f"- {text}" for text in (*metadata.caveats, *filter(None, [metadata.hypothesis_note])))
    known = metadata.reference_statistics.described() if metadata.reference_statistics else []
    statistics = "".join(f"- Its pictures, {name}: {value}.\n" for name, value in known)
    return f"""# {_name(metadata)}

Input: an 8-bit SEM micrograph of a surface without its information bar, trained at a pixel size of {sizes}.
Output: {_meaning(metadata)}

- Stress times t of the training: {labels}.
- Hypothesis g: {metadata.hypothesis_record.name} ({metadata.hypothesis_record.learn}).
- Dataset {metadata.fingerprint}, run {metadata.run_sha256}.
- Licence: {license or "not stated"}.
{statistics}{notes}

{_POTENCY[metadata.hypothesis_record.ends_are_learned]}

# Validation

Grade micrographs of sheets that were not trained on, with known t, and compare. `copper evaluate` and `copper trust`
of copper-tf do so for the run that this package was exported from.
"""


# What a potency is, by whether the ends of g were learned.
_POTENCY = {
    False: "Potency is an index relative to the end labels of this training: resemblance to the surface at the first "
    "t. It is\nneither adhesion itself nor comparable between trainings.",
    True: "Potency is the area share of one of two phases, the one of which there is more at the first t. It is not "
    "adhesion itself.",
}


def _name(metadata: ModelMetadata) -> str:
    return f"copper-tf {metadata.config.kind} of etched surfaces"


def _meaning(metadata: ModelMetadata) -> str:
    if metadata.config.kind == "segmenter":
        if metadata.hypothesis_record.ends_are_learned:
            return "map in [0, 1] of the phase of which there is more at the first stress time, and its area share"
        return "potency map in [0, 1] and its mean; 1 resembles the surface at the first stress time"
    return "probability of each stress time, and grades by mode and median"


def _axes(name: str, values: np.ndarray, smallest: int) -> list[dict[str, Any]]:
    """The axes of a tensor: pictures are (batch, y, x, channel) of any size, results (batch) or (batch, channel)."""
    batch, channel = {"type": "batch"}, {"type": "channel", "channel_names": [name]}
    if values.ndim == 4:
        any_size = {"min": smallest, "step": 1}
        sizes = [any_size if name == INPUT else {"tensor_id": INPUT, "axis_id": axis} for axis in ("y", "x")]
        space = [{"type": "space", "id": axis, "size": s} for axis, s in zip(("y", "x"), sizes, strict=True)]
        return [batch, *space, channel]
    names = [f"{name}{k}" for k in range(values.shape[-1])]
    return [batch, {"type": "channel", "channel_names": names}] if values.ndim == 2 else [batch]


def _tensor(name: str, values: np.ndarray, smallest: int, what: str) -> dict[str, Any]:
    return {
        "id": name,
        "description": what,
        "axes": _axes(name, values, smallest),
        "data": {"type": values.dtype.name},
        "test_tensor": {"source": f"{name}.npy"},
    }


def _description(
    metadata: ModelMetadata, picture: np.ndarray, results: Mapping[str, np.ndarray], opset: int, license: str
) -> dict[str, Any]:
    """The text of ``rdf.yaml``."""
    smallest = smallest_picture(metadata.config.model.d)
    given = _tensor(INPUT, picture, smallest, "8-bit SEM micrograph without information bar")
    given["preprocessing"] = [{"id": "scale_linear", "kwargs": {"gain": 1 / 255, "offset": 0.0}}]
    return {
        "type": "model",
        "format_version": _SPEC,
        "name": _name(metadata),
        "description": _meaning(metadata),
        "authors": [{"name": "made by copper-tf"}],
        # The method's paper; an address in its place would have the validator look it up.
        "cite": [{"text": _PAPER, "doi": "10.48550/arXiv.1910.11033"}],
        **({"license": license} if license else {}),
        "documentation": {"source": _README},
        "tags": ["sem", "electron-microscopy", "2d", "materials-science", "copper"],
        "timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "inputs": [given],
        "outputs": [_tensor(name, values, smallest, "") for name, values in results.items()],
        "weights": {"onnx": {"source": _WEIGHTS, "opset_version": opset}},
        "config": {"bioimageio": {"reproducibility_tolerance": [{**_TOLERANCE, "weights_formats": ["onnx"]}]}},
    }


def _array(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def write_package(
    path: Path,
    onnx: bytes,
    opset: int,
    metadata: ModelMetadata,
    picture: np.ndarray,
    results: Mapping[str, np.ndarray],
    license: str = "",
) -> None:
    """Writes the package: description, weights, and a picture with its results to test by.

    Args:
        path: the zip file to write.
        onnx: the ONNX file.
        opset: of its operators.
        metadata: of the export.
        picture: 8-bit grey values ``(1, height, width, 1)``, as float32, which is what such programs hand over.
        results: what the model makes of it, in the order of its outputs.
        license: of the weights; "" leaves it out.
    """
    description = _description(metadata, picture, results, opset, license)
    files = {f"{name}.npy": _array(values) for name, values in {INPUT: picture, **results}.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("rdf.yaml", yaml.safe_dump(description, sort_keys=False))
        package.writestr(_README, _readme(metadata, license))
        package.writestr(_WEIGHTS, onnx)
        for name, content in files.items():
            package.writestr(name, content)


def check_package(path: Path) -> None:
    """Has bioimage.io's own validator open the package and run its model.

    Raises:
        OutputError: naming the first thing that it doesn't accept.
    """
    without_telemetry()
    # In a process of its own: it leaves files open, and brings much that nothing else here needs.
    command = [sys.executable, "-c", _CHECK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **SAFE_PATH})
    output = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode or output[-1] != _PASSED:
        raise OutputError(f"{path}: must pass bioimage.io's validator. Received: {(output or ['nothing'])[-1][:200]}")
