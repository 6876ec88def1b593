"""The run folder: all that is known of one trained model."""
