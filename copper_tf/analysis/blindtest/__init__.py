"""The paper's section 5.1: experts grade the test pictures blind, and are scored beside the model."""
