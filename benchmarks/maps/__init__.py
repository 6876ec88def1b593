"""What makes a map right: real pictures, depth, normalisation, restarts, warnings."""
