"""The meaning of each JSON field and parameter, said once for all schemas and operations that have it."""
