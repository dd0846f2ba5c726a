"""Read models: one module per subject, with its tables, its projection and its queries."""
