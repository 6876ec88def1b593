"""What is timed or takes long, in folders by what is measured."""

from pathlib import Path

# Where each benchmark keeps what it measured last.
RESULTS = Path(__file__).parent / "results"
