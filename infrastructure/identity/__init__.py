"""Credentials, tokens, sessions, rate limits and the security log, on PostgreSQL and Redis."""
