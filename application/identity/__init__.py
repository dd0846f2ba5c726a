"""Signing in: sessions, passwords, one-time codes, access tokens, API keys, e-mail verification."""
