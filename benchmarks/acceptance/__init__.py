"""What must hold on the synthetic world, and what must fail."""
