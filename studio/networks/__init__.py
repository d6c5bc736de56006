"""Published networks in our own code: one file each, loading the public checkpoints as they are."""
