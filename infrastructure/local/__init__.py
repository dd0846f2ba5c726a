"""PostgreSQL and Valkey on this machine, for development and tests."""
