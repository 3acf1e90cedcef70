"""What the doctor says of a run, as a table."""

from surehop.lab.report.data import Report, Table, Verdict


def verdict_table(report: Report) -> Table:
    """A row a subject: what was read of it, the first finding, and whether it names the fault."""
    rows = [
        (one.subject, ", ".join(one.read) or "nothing", _finding(one), _judged(one))
        for one in report.verdicts
    ]
    marked = {
        right: frozenset((n, 3) for n, v in enumerate(report.verdicts) if v.right is right)
        for right in (True, False)
    }
    expected = " or ".join(report.expected)
    return Table(
        "what the doctor says",
        ("left by", "what was read of it", "first finding", "names the fault"),
        rows,
        marked[False],
        marked[True],
        note=f"the fault has the name {expected}" if expected else "",
    )


def _finding(one: Verdict) -> str:
    return f"{one.id} {one.name}: {one.title}" if one.id else "none"


def _judged(one: Verdict) -> str:
    return {True: "yes", False: "no", None: ""}[one.right]
