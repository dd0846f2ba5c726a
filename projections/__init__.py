"""Read models for users: one module per subject, with its tables, its match over events and its queries.

May import `domain`, SQLAlchemy and Redis. Does not know `application`, its sibling: a query changes nothing.
"""
