"""Read models: one module per question, with its tables, its projection and its queries."""
