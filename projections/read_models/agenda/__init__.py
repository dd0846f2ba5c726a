"""Parts of the agenda: what lists answer and are asked for, and the names of what appointments are about."""
