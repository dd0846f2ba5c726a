"""The event log on PostgreSQL: event store, group commit, aggregate cache, codec."""
