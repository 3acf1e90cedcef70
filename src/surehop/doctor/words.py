"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """Give `1 time`, `3 times`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
