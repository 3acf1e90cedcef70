"""`surehop` and `surehop-nginx`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from surehop import __version__, proxy
from surehop.errors import ConfigError, SurehopError
from surehop.plan import NGINX_VERSION, parse_overrides

_DESCRIPTION = "Surehop makes HTTP hops hold."


def main(argv: Sequence[str] | None = None) -> int:
    """The `surehop` program. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="surehop", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"surehop {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "proxy",
        help="run the proxy with an nginx configuration",
        description="Runs the proxy with an nginx configuration. TERM and INT stop it at once, QUIT"
        " once the requests under way are answered.",
    )
    _add_proxy_options(run)
    lab = commands.add_parser(
        "lab", help="origins that fail on purpose", description="Failures on purpose."
    )
    lab_commands = lab.add_subparsers(dest="lab_command", required=True, metavar="COMMAND")
    lab_commands.add_parser("origin", help="a server that fails as it is told", add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "lab":
        from surehop.lab.origins import main as origin  # noqa: PLC0415 (the proxy needs no lab)

        return origin(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return _proxy("surehop", arguments, resilience=True)


def nginx_main(argv: Sequence[str] | None = None) -> int:
    """The `surehop-nginx` program, at which scripts made for nginx are pointed."""
    parser = argparse.ArgumentParser(
        prog="surehop-nginx",
        description="Surehop's proxy with nginx's behaviour (`resilience off`) unless the file says"
        " otherwise.",
    )
    _add_proxy_options(parser)
    return _proxy("surehop-nginx", parser.parse_args(argv), resilience=False)


def _add_proxy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p", dest="prefix", type=Path, default=Path(), metavar="PREFIX",
        help="the folder that relative paths start from (default: the current one)",
    )  # fmt: skip
    parser.add_argument(
        "-c", dest="configuration", default="conf/nginx.conf", metavar="FILE",
        help="the configuration, relative to PREFIX (default: conf/nginx.conf)",
    )  # fmt: skip
    parser.add_argument(
        "--resolve", action="append", default=[], metavar="NAME=ADDR[,ADDR…]",
        help="answer NAME with these addresses (IPv6 in brackets); may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "-t", dest="test", action="store_true", help="check the configuration and exit"
    )
    parser.add_argument("-v", dest="show", action="store_const", const="v", help="show the version")
    parser.add_argument(
        "-V", dest="show", action="store_const", const="V", help="show what is in it too"
    )


def _proxy(program: str, arguments: argparse.Namespace, *, resilience: bool) -> int:
    if arguments.show:
        _show_version(verbose=arguments.show == "V")
        return 0
    try:
        options = proxy.Options(
            prefix=arguments.prefix.absolute(),
            configuration=arguments.configuration,
            resilience=resilience,
            overrides=parse_overrides(arguments.resolve),
        )
        if arguments.test:
            return _test(options)
        proxy.run(options)
    except SurehopError as e:
        _complain(program, e)
        return 1
    return 0


def _test(options: proxy.Options) -> int:
    file = options.prefix / options.configuration
    try:
        plan = proxy.check(options)
    except SurehopError as e:
        _complain("nginx", e)
        print(f"nginx: configuration file {file} test failed", file=sys.stderr)
        return 1
    for warned in plan.warnings:
        print(f"nginx: [warn] {warned.text}", file=sys.stderr)
        if warned.hint:
            print(f"hint: {warned.hint}", file=sys.stderr)
    print(f"nginx: the configuration file {file} syntax is ok", file=sys.stderr)
    print(f"nginx: configuration file {file} test is successful", file=sys.stderr)
    return 0


def _show_version(*, verbose: bool) -> None:
    print(f"nginx version: nginx/{NGINX_VERSION} (surehop {__version__})", file=sys.stderr)
    if verbose:
        print(
            "configure arguments: --with-http_upstream_zone_module --without-http_rewrite_module"
            " --without-http_ssl_module --without-stream",
            file=sys.stderr,
        )


def _complain(program: str, error: SurehopError) -> None:
    errors: Sequence[SurehopError] = error.errors if isinstance(error, ConfigError) else (error,)
    for one in errors:
        print(f"{program}: [emerg] {one}", file=sys.stderr)
        if one.hint:
            print(f"hint: {one.hint}", file=sys.stderr)
