"""The colours of a report. In a page they are variables, so that it can be light or dark."""

import re

# name: what a drawing has, and what stands for it on light and on dark paper.
_COLOURS = {
    "ink": ("#222222", "#1c1f23", "#e7eaee"),
    "faint": ("#666677", "#5b6472", "#a3adba"),
    "line": ("#dddddd", "#dde1e6", "#343b43"),
    "band": ("#f3e3d6", "#f7e8da", "#3a2a1c"),
    # Okabe and Ito's palette: told apart by every kind of eye.
    "blue": ("#0072b2", "#0072b2", "#56a8dc"),
    "red": ("#d55e00", "#d55e00", "#f0904a"),
    "green": ("#009e73", "#008f68", "#3cc79c"),
}
INK, FAINT, LINE, BAND, BLUE, RED, GREEN = (told for told, _, _ in _COLOURS.values())
# Those of the tap's own diagrams, which are also files by themselves.
_OTHERS = {
    "#ffffff": "paper",
    "#1f2933": "ink",
    "#6b7785": "faint",
    "#c5ccd3": "line",
    "#f1f4f7": "shade",
    "#2563a8": "blue",
    "#a86a00": "amber",
    "#c0262d": "alarm",
}
_PAGE = {
    "paper": ("#ffffff", "#14171a"),
    "shade": ("#f1f4f7", "#20262c"),
    "amber": ("#8f5a00", "#e0a63c"),
    "alarm": ("#c0262d", "#ff7a78"),
    "bad": ("#a84300", "#ff9d5c"),
    "bad-paper": ("#fff1e8", "#3a2416"),
    "good": ("#00715a", "#4fd0a5"),
}
_NAMES = {told: name for name, (told, _, _) in _COLOURS.items()} | _OTHERS
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")


def variables() -> str:
    """The style sheet's first lines. On paper a page is light, whatever the screen is."""
    light = {name: one for name, (_, one, _) in _COLOURS.items()}
    dark = {name: one for name, (_, _, one) in _COLOURS.items()}
    light |= {name: one for name, (one, _) in _PAGE.items()}
    dark |= {name: one for name, (_, one) in _PAGE.items()}
    return (
        f":root {{ color-scheme: light dark; {_said(light)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_said(dark)} }} }}\n"
    )


def themed(svg: str) -> str:
    """The drawing with the page's colours for its own."""

    def variable(found: re.Match[str]) -> str:
        name = _NAMES.get(found[0].lower())
        return f"var(--{name})" if name else found[0]

    return _HEX.sub(variable, svg)


def _said(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {one};" for name, one in colours.items())
