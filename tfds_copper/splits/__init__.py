"""Who goes to train, validation and test: groups of pictures that stay together, shared out by proportions."""
