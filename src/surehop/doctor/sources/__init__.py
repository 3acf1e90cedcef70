"""Targets of every kind -> facts and attempts."""
