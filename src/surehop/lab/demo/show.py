"""The demo from beginning to end."""

import json
from pathlib import Path

from rich.console import Console

from surehop.lab.demo import console as terminal
from surehop.lab.demo.incidents import BOTH_AT_ONCE, TWO_STACKS, Rival, Run, running
from surehop.lab.demo.picture import draw

_WIDEST = 100


def show(rivals: tuple[Rival, Rival], out: Path, *, stands_in: bool) -> int:
    """Run both incidents with both rivals; the exit status."""
    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST)
    out.mkdir(parents=True, exist_ok=True)
    _opening(console, rivals, stands_in=stands_in)
    first = _two_stacks(console, rivals, out)
    both = _both_at_once(console, rivals, out)
    with console.status("drawing the picture"):
        names = [path.name for path in draw(both, both[0].race, out)]
    _write_results([*first, *both], out / "results.json")
    terminal.verdict(console, _verdict(first, both), rivals)
    logs = "incident-{1,3}/*/{nginx.conf,error.log,access.log}"
    terminal.written(console, out, [*names, "results.json", logs])
    return 1 if first[-1].failed or both[-1].failed else 0


def _opening(console: Console, rivals: tuple[Rival, Rival], *, stands_in: bool) -> None:
    other, surehop = rivals
    console.print()
    terminal.say(
        console, f"[bold]{other.title}[/] beside [bold]{surehop.title}[/], same nginx.conf"
    )
    if stands_in:
        terminal.say(
            console,
            "[yellow]No current nginx is at hand: Surehop with `resilience off` stands in for "
            "it.[/] [dim]That mode keeps to what nginx does, to the letter.[/]",
        )
    else:
        terminal.say(
            console,
            "[dim]Surehop is told by --resolve that a name has two addresses; nginx gets the two "
            "`server` lines that stand for such a name.[/]",
        )


def _two_stacks(console: Console, rivals: tuple[Rival, Rival], out: Path) -> list[Run]:
    terminal.title(
        console,
        1,
        "two stacks",
        "upstream rails-unicorn { server localhost:PORT fail_timeout=2s; }",
    )
    terminal.say(
        console,
        "`localhost` is 127.0.0.1 and ::1, so this is two servers. The origin listens on "
        "127.0.0.1 alone. A GET every 200 ms for 8 s. (fail_timeout is 10 s unless told: "
        "shortened here.)",
    )
    with running(TWO_STACKS, rivals, out) as (runs, done):
        terminal.follow(console, runs, done)
    terminal.legend(console, "ok", "two")
    for run in runs:
        terminal.log(console, run)
    other, surehop = runs
    terminal.say(
        console,
        "\nNo client notices: the next address answers. But whenever ::1's time-out is over, "
        f"a live request has to test it again: [bold]{len(other.refusals)}[/] times in 8 s with "
        f"{other.rival.name}, without end. With {surehop.rival.name}: "
        f"[bold]{len(surehop.refusals)}[/].\n"
        f"[dim]{surehop.rival.name} tests in the background, and tells once when ::1 goes and "
        "once when it is back.[/]",
    )
    return runs


def _both_at_once(console: Console, rivals: tuple[Rival, Rival], out: Path) -> list[Run]:
    terminal.title(
        console, 3, "both at once", "upstream app { server twohosts:PORT; }     all defaults"
    )
    terminal.say(
        console,
        "The same, and once, on the fourth request, the origin closes the kept-alive connection "
        "that it has just got a request on: the keep-alive race. A GET every 50 ms for 16 s.",
    )
    with running(BOTH_AT_ONCE, rivals, out) as (runs, done):
        terminal.follow(console, runs, done)
    terminal.legend(console, "ok", "two", "failed")
    for run in runs:
        terminal.log(console, run)
    for run in runs:
        terminal.say(console, f"\n{_why(run)}")
    return runs


def _why(run: Run) -> str:
    if not run.failed:
        return (
            f"[bold]{run.rival.name}[/]: the connection is not the peer. The request goes once "
            "more on a fresh connection to the same address, and nobody is charged."
        )
    return (
        f"[bold]{run.rival.name}[/]: ::1 is out, since it refused. The race is charged to "
        f"127.0.0.1 as well, so both are out: {run.outage:.1f} s of 502 without an attempt, while "
        "the origin was well."
    )


def _verdict(first: list[Run], both: list[Run]) -> list[tuple[str, ...]]:
    return [
        ("two stacks: ::1 tested by live requests", *(_times(len(r.refusals)) for r in first)),
        ("both at once: failed requests", *(f"{r.failed} of {len(r.answers)}" for r in both)),
        ("both at once: outage", *(f"{r.outage:.1f} s" if r.failed else "none" for r in both)),
        ("both at once: log lines", *(str(len(_news(r))) for r in both)),
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _news(run: Run) -> list[str]:
    return [line.whole for line in run.log if line.level not in ("debug", "info")]


def _write_results(runs: list[Run], path: Path) -> None:
    results: dict[str, dict[str, object]] = {}
    for run in runs:
        results.setdefault(run.incident.key, {})[run.rival.key] = run.told()
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
