"""The exceptions of Surehop.

SurehopError
├── ConfigError          the configuration asks for what can't be done: where, hint
│   └── ConfigErrors     all that is wrong with it, in the order nginx would meet it
├── OptionError          the command line asks for what there is not
├── PlanError            an option that makes no plan: a bad `--resolve`
└── StartError           the system refuses what the plan asks for
    └── AddressInUseError
"""

from collections.abc import Sequence


class SurehopError(Exception):
    """Base of all; `hint` says what to do, where something can be done."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


COMMAND_LINE = "command line"  # stands for a file where `-g` is read, which has no lines


class ConfigError(SurehopError):
    """One thing wrong with a configuration. `str()` is nginx's wording, ` in FILE:LINE` included.

    `line` and `column` count from 1, `column` in characters; `line` is None where nginx names no
    line either, `file` is empty where it names no place.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    @property
    def errors(self) -> tuple["ConfigError", ...]:
        return (self,)

    def __str__(self) -> str:
        if not self.file:
            return self.message
        bare = self.line is None or self.file == COMMAND_LINE
        place = self.file if bare else f"{self.file}:{self.line}"
        return f"{self.message} in {place}"


class ConfigErrors(ConfigError):  # noqa: N818 (the plural is the point)
    """All errors of one reading; as an exception it speaks for the first, which is nginx's."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(
            first.message, file=first.file, line=first.line, column=first.column, hint=first.hint
        )
        self._errors = tuple(errors)

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        return self._errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self._errors)


class OptionError(SurehopError):
    """A word of the command line that means nothing; the text is nginx's."""


class PlanError(SurehopError):
    """An option that can't be part of any plan."""


class StartError(SurehopError):
    """The system refuses: a port is taken, a file can't be opened, a user doesn't exist."""


class AddressInUseError(StartError):
    """A listening address belongs to another process."""
