"""Floor 5: the persistent queue, executors, progress, cancel, retry, resume."""
