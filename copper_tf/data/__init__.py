"""From TFRecords to normalised, augmented crops."""
