"""Headers of requests and responses: credentials, idempotency keys, entity tags, forwarded client addresses."""
