"""What a user edits: pipelines, Spark settings, word lists."""
