"""For KerasTuner's users: a HyperModel for any of its tuners, and its view of the results of ``copper search``.

What is shown here is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from copper_tf.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from tuning.hypermodel import HyperModel, SearchReader, open_search

__all__ = ["HyperModel", "SearchReader", "open_search"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_tensorflow()
    from tuning import hypermodel

    return getattr(hypermodel, name)


def __dir__() -> list[str]:
    return __all__
