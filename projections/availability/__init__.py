"""Which times are free: queries, evaluation, caches and their invalidation."""
