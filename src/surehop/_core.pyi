"""The whole native surface. mypy.stubtest compares it with the module in the lint step."""

__all__ = ["check_plan", "check_regex", "serve", "variables", "vocabulary"]

def vocabulary() -> list[tuple[str, list[tuple[str, str]]]]:
    """The engine's enums: for each its name and (word, meaning) of every variant, in order."""

def check_plan(json: bytes) -> None:
    """Reads a plan as the data process would. Raises ValueError with what can't be run."""

def check_regex(pattern: bytes, caseless: bool) -> None:
    """Compiles a regular expression. Raises ValueError with nginx's sentence about it."""

def variables() -> list[str]:
    """The variables that log formats and header values may use; those of a family end in `_`."""

def serve(control: int) -> None:
    """Runs the data process on the control socket until it is told to stop. Raises RuntimeError."""
