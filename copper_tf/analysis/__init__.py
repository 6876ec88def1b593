"""What a trained model says, judged: scores, trust, baselines, comparison, hypotheses of the decay, blind tests."""
