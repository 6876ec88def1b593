"""Time and memory against a peer in the same run."""
