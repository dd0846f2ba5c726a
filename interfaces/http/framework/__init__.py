"""Shared by all routes: requests, responses, errors, paging, entity tags, rate limits."""
