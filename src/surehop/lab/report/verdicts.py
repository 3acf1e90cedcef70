"""What the doctor says of a run, as a table."""

from surehop.lab.report.data import Report, Table

_JUDGED = {True: "yes", False: "no", None: ""}


def verdict_table(report: Report) -> Table:
    """A row a subject: what was read of it, the first finding, and whether it names the fault."""
    rows = [
        (one.subject, ", ".join(one.read), one.id or "none", one.title, _JUDGED[one.right])
        for one in report.verdicts
    ]
    marked = {
        right: frozenset((n, 4) for n, v in enumerate(report.verdicts) if v.right is right)
        for right in (True, False)
    }
    advice = {one.id: one.advice for one in reversed(report.verdicts) if one.advice}
    told = [f"{name}: {what}." for name, what in sorted(advice.items())]
    if report.expected:
        told.insert(0, f"The fault has the name {' or '.join(report.expected)}.")
    return Table(
        "what the doctor says",
        ("left by", "what was read", "first finding", "in words", "names the fault"),
        rows,
        marked[False],
        marked[True],
        note=" ".join(told),
    )
