"""The doors: HTTP, the worker, the admin panel and the command line.

May import every other ring, but only the composition roots (`http/main.py`, `worker/main.py`, `admin/main.py`,
`cli.py`) import `infrastructure`: a router is handed what it needs. Pydantic models of requests and answers
live here.
"""
