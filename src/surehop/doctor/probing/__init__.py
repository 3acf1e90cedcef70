"""Probing: what a server does now, learned from a few harmless requests."""
