"""What exporting takes from OpenVINO beyond its public names."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from copper_tf.exporters.compat import openvino_model


def test_openvino_converts_on_every_python_and_is_left_as_it_was() -> None:
    utils = pytest.importorskip("openvino.frontend.tensorflow.utils")
    own = utils.get_environment_setup
    double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec((2,), tf.float32)])
    model = openvino_model(double.get_concrete_function())
    assert utils.get_environment_setup is own, "OpenVINO dropped get_environment_setup: see exporters/compat.py"
    openvino = pytest.importorskip("openvino")
    found = openvino.compile_model(model, "CPU")(np.array([1.0, 2.5], np.float32))
    np.testing.assert_array_equal(found[0], [2.0, 5.0])
