"""What is read beyond nginx's own words: everything at once, hints, includes, comments."""

import contextlib

import pytest
from broken_files import whole
from hypothesis import given, strategies as st

from surehop.conf.known import NGINX_DIRECTIVES
from surehop.conf.loading import loads
from surehop.conf.model import Model
from surehop.conf.rows import Status
from surehop.conf.table import DIRECTIVES, TABLE
from surehop.errors import ConfigError, ConfigErrors

NOT_YET = "that surehop does not support"


def read(text: str, files: dict[str, str] | None = None) -> Model:
    def read_file(path: str) -> bytes:
        if path not in (files or {}):
            raise FileNotFoundError(2, "No such file or directory")
        return (files or {})[path].encode()

    return loads(text.encode(), file="/c/n.conf", prefix="/p", privileged=True, read_file=read_file)


def refused(text: str, files: dict[str, str] | None = None) -> tuple[ConfigError, ...]:
    with pytest.raises(ConfigErrors) as caught:
        read(text, files)
    return caught.value.errors


def test_everything_wrong_is_said_at_once() -> None:
    errors = refused(
        "worker_proceses 2;\nhttp {\n  upstream a { }\n  server {\n    lissten 80;\n"
        "    location / { proxy_pass https://x; return 20x; }\n  }\n"
    )

    assert [(error.line, error.message) for error in errors] == [
        (1, 'unknown directive "worker_proceses"'),
        (3, "no servers are inside upstream"),
        (5, 'unknown directive "lissten"'),
        (
            6,
            f'"https://" is an nginx form of "proxy_pass" {NOT_YET}',
        ),
        (6, 'invalid return code "20x"'),
        (8, 'unexpected end of file, expecting "}"'),
        (None, 'no "events" section in configuration'),
    ]
    assert errors[0].hint == 'did you mean "worker_processes"?'
    assert (errors[4].column, str(errors[4])) == (47, 'invalid return code "20x" in /c/n.conf:6')


def test_the_content_of_a_block_with_a_broken_head_is_read() -> None:
    errors = refused(whole("http", "upstream a { server :1; } upstream a { server :2; }"))

    assert [error.message for error in errors] == [
        'no host in upstream ":1"',
        'duplicate upstream "a"',
        'no host in upstream ":2"',
    ]


def test_an_unknown_block_hides_no_broken_place() -> None:
    errors = refused("events {} frob {\n a { b; c }\n}")

    assert [error.message for error in errors] == ['unknown directive "frob"', 'unexpected "}"']


@pytest.mark.parametrize(
    ("context", "snippet", "what"),
    [
        ("http", "sub_filter a b;", '"sub_filter" is an nginx directive'),
        ("server", "listen 443 ssl;", '"ssl" is an nginx parameter of "listen"'),
        ("server", "listen 80 ssl;", '"ssl" is an nginx parameter of "listen"'),
        ("location", "proxy_pass https://a;", '"https://" is an nginx form of "proxy_pass"'),
        ("location", "proxy_http_version 2;", '"2" is an nginx value of "proxy_http_version"'),
        ("upstream", "server a resolve;", '"resolve" is an nginx parameter of "server"'),
        ("upstream", "health_check;", '"health_check" is an nginx directive'),
    ],
)
def test_what_nginx_can_is_refused_by_name(context: str, snippet: str, what: str) -> None:
    errors = refused(whole(context, snippet))

    assert errors[0].message == f"{what} {NOT_YET}"


def test_daemon_on_says_what_to_do() -> None:
    (error,) = refused("daemon on; events {}")

    assert error.hint == "write `daemon off;` and let a supervisor such as systemd run it"
    assert read("daemon off; events {}")


@pytest.mark.parametrize(
    ("context", "snippet", "hint"),
    [
        ("location", "proxy_pas http://a;", 'did you mean "proxy_pass"?'),
        ("location", "proxy_cache_vaild 1m;", 'did you mean "proxy_cache_valid"?'),
        ("location", "zzz;", None),
        ("http", "listen 80;", "it stands in `server`"),
        ("location", "proxy_pass app:3000;", "did you mean `http://app:3000`?"),
        ("location", "proxy_pass ftp://a;", None),
        ("server", "location /a {} location /a {}", "it stands in line 4 already"),
        ("upstream", "# nothing", "add `server ADDRESS:PORT;` to `upstream app`"),
    ],
)
def test_hints(context: str, snippet: str, hint: str | None) -> None:
    assert refused(whole(context, snippet))[0].hint == hint


def test_harmless_lines_are_accepted() -> None:
    read(
        "pcre_jit on; worker_cpu_affinity auto; worker_rlimit_nofile 1024;\n"
        "events { use epoll; multi_accept on; accept_mutex off; }\n"
        "http { sendfile on; tcp_nopush on; tcp_nodelay on; types_hash_max_size 2048;\n"
        "default_type text/plain; types { text/html html htm; } server_names_hash_bucket_size 64;\n"
        "variables_hash_max_size 1; proxy_headers_hash_max_size 1; }"
    )


class TestInclude:
    def test_a_file_beside(self) -> None:
        files = {
            "/c/a.conf": "upstream a { server 127.0.0.1; }",
            "/x/b.conf": "upstream b { server 127.0.0.1; }",
        }
        model = read(whole("http", "include a.conf; include /x/b.conf;"), files)

        assert [(up.name, up.where.file) for up in model.upstreams] == [
            ("a", "/c/a.conf"),
            ("b", "/x/b.conf"),
        ]

    def test_an_error_stands_in_its_own_file(self) -> None:
        errors = refused(whole("http", "include a.conf;\nfoo;"), {"/c/a.conf": "\nbar;\nserver {"})

        assert [str(error) for error in errors] == [
            'unknown directive "bar" in /c/a.conf:2',
            'unexpected end of file, expecting "}" in /c/a.conf:3',
            'unknown directive "foo" in /c/n.conf:4',
        ]

    def test_missing(self) -> None:
        (error,) = refused(whole("http", "include a.conf;"))

        assert error.message == 'open() "/c/a.conf" failed (2: No such file or directory)'

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("include a {}", 'directive "include" is not terminated by ";"'),
            ("include a b;", 'invalid number of arguments in "include" directive'),
        ],
    )
    def test_its_shape(self, line: str, message: str) -> None:
        assert refused(whole("http", line))[0].message == message

    def test_by_itself(self) -> None:
        (error,) = refused(whole("http", "include a.conf;"), {"/c/a.conf": "include a.conf;"})

        assert str(error) == '"/c/a.conf" is included by itself in /c/a.conf:1'


class TestComments:
    def test_they_count(self) -> None:
        model = read(whole("http", "# surehop: resilience off;"))

        assert model.resilience.probe is False

    @pytest.mark.parametrize(
        ("comment", "message", "hint"),
        [
            ("sendfile on;", '"sendfile" can\'t stand in a `# surehop:` comment', None),
            ("resilence on;", 'unknown directive "resilence"', 'did you mean "resilience"?'),
            (
                "resilience maybe;",
                'invalid value "maybe" in "resilience" directive, it must be "on" or "off"',
                None,
            ),
            ("resilience;", 'invalid number of arguments in "resilience" directive', None),
        ],
    )
    def test_they_can_be_wrong(self, comment: str, message: str, hint: str | None) -> None:
        (error,) = refused(whole("http", f"# surehop: {comment}"))

        assert (error.message, error.hint, error.line) == (message, hint, 3)

    def test_both_spellings_are_one_directive(self) -> None:
        (error,) = refused(whole("http", "resilience on;\n# surehop: resilience off;"))

        assert str(error) == '"resilience" directive is duplicate in /c/n.conf:4'


def test_the_table_has_one_row_for_a_name_and_a_context() -> None:
    for name, rows in TABLE.items():
        contexts = [context for row in rows for context in row.contexts]
        assert len(contexts) == len(set(contexts)), name


def test_the_table_and_the_list_of_names_agree() -> None:
    newer = {"keepalive_time"}  # nginx has it since 1.19.10
    foreign = {row.name for row in DIRECTIVES if row.status is not Status.OURS} - NGINX_DIRECTIVES
    ours = {row.name for row in DIRECTIVES if row.status is Status.OURS}

    assert foreign <= newer
    assert not ours & NGINX_DIRECTIVES


SNIPPETS = st.lists(
    st.sampled_from(
        [
            *(
                "events",
                "http",
                "server",
                "location",
                "upstream",
                "a",
                "/",
                "{",
                "}",
                ";",
                "\n",
                "listen",
                "80",
            ),
            *(
                "proxy_pass",
                "http://a",
                "return",
                "200",
                "include",
                "resilience",
                "on",
                "'",
                "# surehop: resilience",
            ),
            *(
                "log_format",
                "$host",
                "access_log",
                "types",
                "127.0.0.1",
                "keepalive",
                "32",
                "local",
            ),
        ]
    ),
    max_size=40,
).map(" ".join)


@given(SNIPPETS)
def test_any_text_is_a_model_or_config_errors(text: str) -> None:
    with contextlib.suppress(ConfigErrors):
        read(text)
