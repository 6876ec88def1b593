"""Many runs of one dataset: planned, spread over processes and machines, resumed."""

# It sees to what ``python -m tuning.search`` imports from.
import copper_tf  # noqa: F401
