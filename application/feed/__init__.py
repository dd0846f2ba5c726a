"""The feed: the messages of webhooks by position, for programs that follow."""
