"""Common parts of queries: a snapshot, the owner of rows, paging, text folding."""
