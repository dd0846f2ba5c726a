"""Reports: the metrics with the period before beside each number, and charts."""
