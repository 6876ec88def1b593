"""Many runs of one dataset: planned, spread over processes and machines, resumed."""
