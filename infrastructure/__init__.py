"""Implementations of the ports: PostgreSQL, Redis, settings, telemetry, and the servers of this machine.

May import `application`, `projections` and `domain`; is itself imported by composition roots only.
The environment is read in `settings.py` and nowhere else.
"""
