"""What users may ask for: a frozen dataclass and a function per command, each load, decide, record.

May import `domain` and the abstractions of `eventsourcing`, never `eventsourcing.postgres` nor any other way
to a database, the network or the web. Does not know `projections`, its sibling. What it needs from outside
is a Protocol: the Log.
"""
