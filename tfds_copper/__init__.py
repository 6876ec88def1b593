"""The ground floor: what the microscope saw, as files, as splits and as a TFDS dataset.

    micrograph.read        one picture file
    folder.scan            a SEM folder: labels, sheets, what was skipped
    splits.assign          who goes to train, validation and test
    copper_sem.build       a SEM folder to sharded TFRecords
    dataset.open_dataset   a built dataset, checked and in a fixed order

Nothing here imports TensorFlow before a dataset is built or opened. `import tfds_copper` has TFDS know `copper_sem`.
"""

from __future__ import annotations

from tfds_copper.registration import register_dataset

__all__: list[str] = []

register_dataset()
