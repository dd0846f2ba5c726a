"""The doors: HTTP, the worker, the admin panel and the command line.

May import every other ring, but only the composition roots (each `main.py`, and `cli.py`) import
`infrastructure`: a router is handed what it needs. Pydantic models of requests and answers live here.
"""
