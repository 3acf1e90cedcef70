"""The lab: hops that fail on purpose, and what is seen when they do."""
