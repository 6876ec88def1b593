"""Records whose bytes are the same in every process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow_datasets.core import writer as tfds_writer

__all__ = ["SteadyWriter"]


def _steady(examples: Iterable[tuple[Any, bytes]]) -> Iterator[tuple[Any, bytes]]:
    for key, record in examples:
        yield key, tf.train.Example.FromString(record).SerializeToString(deterministic=True)


class SteadyWriter(tfds_writer.ExampleWriter):
    """Writes each record with its features in a fixed order; TFDS leaves them in the order of a hash table."""

    def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> Any:
        """Writes one shard."""
        return super().write(path, _steady(examples))
