"""Keras finds our layers, losses and models in a saved file after ``import copper_tf``, which imports none of them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from typing import Any

__all__ = ["KERAS_OBJECTS", "PACKAGE", "register_with_keras"]

# The package that our classes are registered under.
PACKAGE = "copper_tf"
# Every class that is registered, and its module.
KERAS_OBJECTS = {
    "BilinearUpsampling": "copper_tf.models.layers",
    "Convolution": "copper_tf.models.layers",
    "FusedBatchNorm": "copper_tf.models.layers",
    "ConditionalChain": "copper_tf.models.ordinal",
    "OrderedThresholds": "copper_tf.models.ordinal",
    "CorrelationLoss": "copper_tf.models.losses",
    "CumulativeLoss": "copper_tf.models.losses",
    "MeanMaskDivergence": "copper_tf.models.losses",
    "MeanMaskLoss": "copper_tf.models.losses",
    "PixelLoss": "copper_tf.models.losses",
    "SoftLabelLoss": "copper_tf.models.losses",
    "FreeNMSE": "copper_tf.models.metrics",
    "NMSE": "copper_tf.models.metrics",
    "Classifier": "copper_tf.models.functional",
    "Segmenter": "copper_tf.models.functional",
    "MicrographModel": "copper_tf.exporters.keras_model",
}


class _Unimported:
    """Stands for a registered class until a file needs it; importing the class puts it in this one's place."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """An object of the class."""
        return self._imported()(*args, **kwargs)

    def from_config(self, *args: Any, **kwargs: Any) -> Any:
        """An object of the class from its config."""
        return self._imported().from_config(*args, **kwargs)

    def _imported(self) -> Any:
        return getattr(importlib.import_module(KERAS_OBJECTS[self._name]), self._name)


def _register(keras: Any) -> None:
    known = keras.saving.get_custom_objects()
    for name in KERAS_OBJECTS:
        known.setdefault(f"{PACKAGE}>{name}", _Unimported(name))


class _KerasFinder:
    """Finds Keras as everybody does, and has our classes registered once it is imported."""

    def __init__(self) -> None:
        self.asking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if name != "keras" or self.asking:
            return None
        self.asking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.asking = False
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_and_register(module: Any) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_with_keras() -> None:
    """Registers our classes with Keras: now where Keras is imported, else as soon as it is."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _KerasFinder())  # type: ignore[arg-type]
