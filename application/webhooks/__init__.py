"""Webhooks: subscriptions, payloads, delivery."""
