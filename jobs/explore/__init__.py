"""Questions about what a run decided, answered without Spark where possible."""
