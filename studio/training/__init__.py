"""Floor 6: datasets, losses, trainers, metrics."""
