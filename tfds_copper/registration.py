"""`tfds.load("copper_sem")` and `tfds build copper_sem --imports tfds_copper`: TFDS knows the dataset by its name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["NAME", "register_dataset"]

NAME = "copper_sem"
_TFDS = "tensorflow_datasets"
_BUILDER = "tfds_copper.copper_sem.copper_sem_dataset_builder"


class _Provider:
    """Gives TFDS the builder when its name is asked for; until then nothing of it is imported."""

    def has_dataset(self, name: str) -> bool:
        """As TFDS asks for it."""
        return name == NAME

    def get_builder_cls(self, name: str) -> Any:
        """As TFDS asks for it."""
        return importlib.import_module(_BUILDER).Builder


def _register() -> None:
    from tensorflow_datasets.core import registered

    # First of all: the others import every dataset of TFDS to look for a name.
    registered.add_dataset_builder_provider(_Provider(), index=0)


class _WhenImported(MetaPathFinder):
    """Waits for somebody to import TFDS, whose import takes seconds that most of our commands don't need."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """TFDS as the other finders find it, with one more step when it has been run."""
        if fullname != _TFDS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_register(module: ModuleType) -> None:
                run(module)
                _register()

            spec.loader.exec_module = run_and_register  # type: ignore[method-assign]
        return spec


def register_dataset() -> None:
    """Has TFDS know `copper_sem`: at once where TFDS is imported, else as soon as it is."""
    if _TFDS in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _WhenImported())
