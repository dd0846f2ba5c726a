"""Routes of signing in: sessions, passwords, one-time codes, API keys, security log."""
