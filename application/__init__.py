"""Use cases: a frozen dataclass and a handler for each command and query. A command loads, decides and records.

May import `domain` and the abstractions of `eventsourcing`, never `eventsourcing.postgres` nor any other way
to a database, the network or the web. Does not know `projections`, its sibling. Everything it needs from
outside is a Protocol that stands beside the concept: the repository is `application.event_log.EventLog`.
"""
