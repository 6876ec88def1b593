"""copper-tf: grade etched copper surfaces from SEM micrographs, and see where and by what law they decay.

Everything that ``copper_tf`` shows is imported when it is first used, so that ``import copper_tf`` takes no time.
"""

from __future__ import annotations

from importlib import metadata

import lazy_loader

from copper_tf.utils.keras_objects import register_with_keras
from copper_tf.utils.tensorflow import choose_backend

__getattr__, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])

try:
    __version__ = metadata.version("copper-tf")
except metadata.PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"


# Files of our models open in Keras from here on.
choose_backend()
register_with_keras()


def __dir__() -> list[str]:
    return __all__
