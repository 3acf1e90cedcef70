"""`python -m surehop.lab.demo`, which `make demo` runs."""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from surehop.lab.subjects import CURRENT, find_nginx, find_surehop

_WANTED = ("rich", "matplotlib")


def main(argv: Sequence[str] | None = None) -> int:
    """Show incidents 1 and 3; 0 if Surehop lost no request, 1 if it did, 2 if it can't run."""
    parser = argparse.ArgumentParser(
        prog="surehop.lab.demo",
        description="Two incidents, as nginx has them and as Surehop has them, in half a minute.",
    )
    parser.add_argument("--nginx", metavar="PATH", help="a current nginx to run beside")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR")
    options = parser.parse_args(argv)
    missing = [name for name in _WANTED if not find_spec(name)]
    if missing:
        return _stop(f"{' and '.join(missing)} missing", "pip install 'surehop[lab]'")
    surehop = find_surehop()
    if surehop is None:
        return _stop("`surehop` is not installed beside this Python", "make demo")
    nginx = find_nginx(options.nginx)
    if options.nginx and nginx is None:
        wanted = ".".join(map(str, CURRENT))
        return _stop(f"`{options.nginx}` is no nginx {wanted} or later", "leave --nginx out")

    # Only now, since these import what may have been missing.
    from surehop.lab.demo.incidents import Rival  # noqa: PLC0415
    from surehop.lab.demo.show import show  # noqa: PLC0415

    if nginx:
        other = Rival("nginx", "nginx", nginx)
    else:
        other = Rival("surehop-off", "Surehop, resilience off", surehop, resilience="off")
    rivals = (other, Rival("surehop", "Surehop", surehop, resilience=None))
    try:
        return show(rivals, options.out, stands_in=nginx is None)
    except KeyboardInterrupt:
        return 130


def _stop(what: str, hint: str) -> int:
    print(f"demo: {what}\nhint: {hint}", file=sys.stderr)
    return 2
