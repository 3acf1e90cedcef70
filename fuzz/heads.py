"""Heads changed at random, through Surehop and nginx: `python fuzz/heads.py SECONDS [SEED]`."""

import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/peers")]
from fronts import fronts  # noqa: E402  found by the line above
from mutated import complaints  # noqa: E402

from surehop.lab.subjects import find_nginx, find_surehop  # noqa: E402

_AT_ONCE = 400


def main(seconds: float, seed: int) -> int:
    """Give the number of complaints."""
    programs = find_surehop(), find_surehop(compat=True), find_nginx()
    surehop, surehop_nginx, nginx = programs
    if surehop is None or surehop_nginx is None or nginx is None:
        sys.exit("missing: surehop or nginx\nhint: make pytest installs both")
    print(f"seed {seed}", flush=True)
    deadline, rounds, told = time.monotonic() + seconds, 0, 0
    with fronts(surehop, surehop_nginx, nginx) as running:
        while time.monotonic() < deadline:
            for complaint in complaints(running, seed + rounds, _AT_ONCE):
                print(f"seed {seed + rounds}: {complaint}", flush=True)
                told += 1
            rounds += 1
    print(f"{rounds * _AT_ONCE} heads, {told} complaints")
    return told


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(bool(main(given[0], given[1] if len(given) > 1 else random.randrange(1 << 31))))  # noqa: S311
