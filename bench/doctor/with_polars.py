"""What one would write with polars: how many lines there are of each status, or of each message."""

import sys

import polars as pl

PATTERNS = {"access": r'" (\d{3}) ', "error": r"\*\d+ (.+?) while "}


def main() -> None:
    kind, log = sys.argv[1:]
    lines = pl.scan_csv(
        log, has_header=False, separator="\x01", quote_char=None, new_columns=["line"]
    )
    told = lines.select(pl.col("line").str.extract(PATTERNS[kind]).alias("what"))
    print(told.group_by("what").len().collect(engine="streaming"))


main()
