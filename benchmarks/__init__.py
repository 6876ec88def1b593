"""What is timed or takes long: benchmarks and the acceptance table."""
