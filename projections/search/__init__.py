"""Searching providers and services: by text, tag, place, price and earliest start."""
