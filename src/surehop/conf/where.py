"""A directive's own place in the configuration."""

from dataclasses import dataclass

from surehop.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Where:
    file: str
    line: int
    column: int

    def fail(self, message: str, *, hint: str | None = None) -> ConfigError:
        return ConfigError(message, file=self.file, line=self.line, column=self.column, hint=hint)
