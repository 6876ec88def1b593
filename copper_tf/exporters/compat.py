"""What exporting takes from OpenVINO beyond its public names; its test fails when OpenVINO drops it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["openvino_model"]


def _versions(_: str) -> dict[str, str]:
    return {"tensorflow": tf.__version__}


def openvino_model(function: Any) -> Any:
    """OpenVINO's own form of a computation.

    OpenVINO 2026.4 asks for the version of TensorFlow by an `exec` that fails in a function of Python 3.13 (PEP 667).

    Args:
        function: a concrete function of TensorFlow.
    """
    import openvino
    from openvino.frontend.tensorflow import utils

    own, utils.get_environment_setup = utils.get_environment_setup, _versions
    try:
        return openvino.convert_model(function)
    finally:
        utils.get_environment_setup = own
