"""PostgreSQL: roles, pools, timeouts."""
