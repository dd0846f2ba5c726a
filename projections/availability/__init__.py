"""Free times: queries, evaluation, caches and their invalidation."""
