"""The pages of the findings, made from the rules themselves."""

from surehop.doctor.about import About, Example
from surehop.doctor.rules import RULES
from surehop.errors import OptionError

NOTE = "<!-- made from the rule itself: `make docs` writes it anew -->\n"


_SHOWN = 16  # lines of an example


def pages() -> dict[str, str]:
    """Give the text of every page by its name in docs/findings."""
    return {
        "README.md": _contents(),
        **{f"{rule.about.id}.md": page(rule.about) for rule in RULES},
    }


def explain(word: str) -> str:
    """Give the page of the finding that has this id or name. Raises OptionError."""
    for rule in RULES:
        if word.lower() in {rule.about.id.lower(), rule.about.name}:
            return page(rule.about).removeprefix(NOTE).lstrip("\n")
    raise OptionError(f"there is no finding `{word}`", hint="ids are SH001 and so on")


def page(about: About) -> str:
    """Give the page of one finding, as Markdown."""
    lines = [
        NOTE,
        f"# {about.id} {about.name}",
        "",
        f"{_sentence(about.summary)}",
        "",
        f"**What is seen**: {_sentence(about.symptom, capital=False)}",
        "",
        f"**Why**: {_sentence(about.cause, capital=False)}",
        "",
        f"**What to do**: {_sentence(about.cure, capital=False)}",
        "",
        f"**What the doctor needs to tell**: {_sentence(about.needs, capital=False)}",
    ]
    if about.proof:
        lines += ["", "How to see that it is so:", "", "```sh", *about.proof, "```"]
    if about.shown:
        lines += ["", "To see it happen, in [the lab](../scenarios.md):", ""]
        lines += ["```sh", *about.shown, "```"]
    for example in about.examples:
        lines += ["", f"It speaks of{_with(example)}", "", *_block(example.fires, example)]
        lines += ["", "and not of", "", *_block(example.quiet, example)]
    lines += [
        "",
        f"`# surehop: ignore {about.id}` behind a line of a configuration, or before it, hides it.",
    ]
    return "\n".join(lines) + "\n"


def _contents() -> str:
    lines = [
        NOTE,
        "# Findings",
        "",
        "What `surehop doctor` can find. The numbers do not change.",
        "",
        "| finding | what it is |",
        "| --- | --- |",
    ]
    for rule in RULES:
        about = rule.about
        lines.append(f"| [{about.id} {about.name}]({about.id}.md) | {about.summary} |")
    return "\n".join(lines) + "\n"


def _with(example: Example) -> str:
    told = [f"`{name}` is {addresses}" for name, addresses in example.names.items()]
    if example.version:
        told.append(f"nginx is {example.version}")
    return f" (where {' and '.join(told)})" if told else ""


def _block(text: str, example: Example) -> list[str]:
    language = "conf" if example.kind == "nginx" else example.kind.replace(" ", "-")
    lines = text.strip("\n").splitlines()
    shown = [*lines[:_SHOWN], f"… and {len(lines) - _SHOWN} more"] if lines[_SHOWN:] else lines
    return [f"```{language}", *shown, "```"]


def _sentence(text: str, *, capital: bool = True) -> str:
    first = text[0].upper() if capital and text[0].islower() else text[0]
    return f"{first}{text[1:].rstrip('.')}."
