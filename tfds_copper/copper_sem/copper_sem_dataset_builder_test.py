"""The checks that TFDS asks of every dataset, on dummy_data/."""

from __future__ import annotations

import tensorflow_datasets as tfds

from tfds_copper.copper_sem import copper_sem_dataset_builder

__all__ = ["CopperSemTest"]


class CopperSemTest(tfds.testing.DatasetBuilderTestCase):
    """Builds dummy_data/: 3 labels of 3 sheets of 2 pictures, with masks for t = 0."""

    DATASET_CLASS = copper_sem_dataset_builder.Builder
    SPLITS = {"train": 6, "validation": 6, "test": 6}


if __name__ == "__main__":
    tfds.testing.test_main()
