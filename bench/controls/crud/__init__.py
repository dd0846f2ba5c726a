"""The plain way, made well: a table with an exclusion constraint, and one insert per request."""
