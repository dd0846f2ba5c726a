"""What users may look up: one file per question, with its tables, its match over events and its queries.

May import `domain`, SQLAlchemy and Redis. Does not know `application`, its sibling: a query changes nothing.
"""
