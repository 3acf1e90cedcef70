"""The steps of the rewrite module and the configuration's own variables, as the plan has them."""

from collections.abc import Callable, Sequence
from typing import Any

from surehop.conf import model
from surehop.conf.templates import Template
from surehop.plan import carrying, data


class Scripts:
    """`location` puts a location into the plan and gives its index."""

    def __init__(
        self, variables: Sequence[model.Computed], location: Callable[[model.Location], int]
    ) -> None:
        self._variables = variables
        self._slots = {variable.name: at for at, variable in enumerate(variables)}
        self._location = location

    def variables(self) -> tuple[data.Computed, ...]:
        return tuple(data.Computed(each.name, self._source(each)) for each in self._variables)

    def regex(self, regex: model.Regex) -> data.Regex:
        names = tuple((name, self._slots[name]) for name in dict.fromkeys(regex.names))
        return data.Regex(regex.pattern, regex.caseless, names)

    def steps(self, steps: tuple[model.Step, ...]) -> tuple[data.Step, ...]:
        return tuple(self._step(step) for step in steps)

    def _step(self, step: model.Step) -> data.Step:
        match step:
            case model.Return(status, text):
                return data.Return(status, text)
            case model.Break():
                return data.Break()
            case model.Set(name, value):
                return self._set(name, value)
            case model.If(test, location, steps):
                at = self._location(location) if location else None
                return data.If(self._test(test), at, self.steps(steps))
            case model.Rewrite():
                return data.Rewrite(
                    regex=self.regex(step.regex),
                    path=step.path,
                    args=step.args,
                    add_args=step.add_args,
                    redirect=step.redirect,
                    last=step.last,
                    stop=step.stop,
                )

    def reply(self, said: model.Reply) -> carrying.Reply:
        def replacing(lines: tuple[model.Replacing, ...]) -> tuple[carrying.Replacing, ...]:
            return tuple(carrying.Replacing(self._pattern(x.pattern), x.replacement) for x in lines)

        return carrying.Reply(
            redirects=replacing(said.redirects),
            cookie_domains=replacing(said.cookie_domains),
            cookie_paths=replacing(said.cookie_paths),
            cookie_flags=tuple(
                carrying.CookieFlags(self._pattern(line.pattern), line.flags)
                for line in said.cookie_flags
            ),
            ignored=said.ignored,
            intercept_errors=said.intercept_errors,
            force_ranges=said.force_ranges,
            pass_trailers=said.pass_trailers,
        )

    def _pattern(self, pattern: Template | model.Regex) -> dict[str, Any]:
        if isinstance(pattern, model.Regex):
            return {"regex": self.regex(pattern)}
        return {"text": pattern}

    def _set(self, name: str, value: Template) -> data.Step:
        if name == "args":
            return data.SetArgs(value)
        if name == "limit_rate":
            return data.SetLimitRate(value)
        return data.Set(self._slots[name], value)

    def _test(self, test: model.Test) -> dict[str, Any]:
        match test:
            case model.Truth(value):
                return {"is": "true", "value": value}
            case model.Equal(value, to, negated):
                return {"is": "equal", "value": value, "to": to, "not": negated}
            case model.Match(value, regex, negated):
                return {"is": "match", "value": value, "regex": self.regex(regex), "not": negated}
            case model.FileTest(path, what, negated):
                return {"is": "file", "path": path, "what": what, "not": negated}

    def _source(self, variable: model.Computed) -> dict[str, Any]:
        match variable.source:
            case model.Map() as found:
                return {
                    "kind": "map",
                    "value": found.value,
                    "hostnames": found.hostnames,
                    "volatile": found.volatile,
                    "default": found.default,
                    "exact": found.exact,
                    "leading": found.leading,
                    "trailing": found.trailing,
                    "regexes": tuple((self.regex(r), value) for r, value in found.regexes),
                }
            case model.Geo() as found:
                return {
                    "kind": "geo",
                    "value": found.value,
                    "default": found.default,
                    "ranges": found.ranges,
                    "proxies": found.proxies,
                    "proxy_recursive": found.proxy_recursive,
                }
            case model.Split(value, parts):
                return {"kind": "split", "value": value, "parts": parts}
            case assigned:
                return {"kind": "set" if assigned else "capture"}


def error_page(page: model.ErrorPage) -> data.ErrorPage:
    return data.ErrorPage(page.status, page.overwrite, page.target, page.args, page.split)
