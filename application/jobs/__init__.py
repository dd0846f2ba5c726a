"""Jobs: work that is done later, its queues and its handlers."""
