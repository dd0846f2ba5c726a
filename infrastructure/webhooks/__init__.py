"""Sending webhooks: signing, delivery progress, protection against SSRF."""
