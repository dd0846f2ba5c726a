"""Routes of the feed: what has happened, in pages and as a stream."""
