"""Plans, builds, audits and publishes table versions."""
