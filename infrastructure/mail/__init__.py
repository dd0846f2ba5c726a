"""Mail: composing messages, calendar parts, and sending them by SMTP."""
