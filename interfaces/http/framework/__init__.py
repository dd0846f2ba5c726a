"""What every route shares: requests, responses, errors, paging, entity tags, limits."""
