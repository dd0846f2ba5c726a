"""Facts for statistics, the views of them that analysts ask, and the metrics."""
