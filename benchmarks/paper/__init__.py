"""The paper, figure by figure, at its own scale."""
