# ruff: noqa: E501 (what nginx says is as long as it is)
"""Rows for `broken_files.py`: directives about what is done to answers on their way out."""

FILTERS = (
    ("location", "server_tokens foo;", 'invalid value "foo"', 5),
    ("location", 'server_tokens "";', 'invalid value ""', 5),
    (
        "location",
        "server_tokens on on;",
        'invalid number of arguments in "server_tokens" directive',
        5,
    ),
    (
        "location",
        "server_tokens on; server_tokens off;",
        '"server_tokens" directive is duplicate',
        5,
    ),
    ("location", "add_header a;", 'invalid number of arguments in "add_header" directive', 5),
    ("location", "add_header a b c;", 'invalid parameter "c"', 5),
    (
        "location",
        "add_header a b always c;",
        'invalid number of arguments in "add_header" directive',
        5,
    ),
    ("location", "add_trailer a b x;", 'invalid parameter "x"', 5),
    ("location", "add_trailer a;", 'invalid number of arguments in "add_trailer" directive', 5),
    ("location", "add_header_inherit x;", 'invalid value "x"', 5),
    ("location", "add_trailer_inherit x;", 'invalid value "x"', 5),
    ("location", "expires foo;", '"expires" directive invalid value', 5),
    ("location", "expires modified;", '"expires" directive invalid value', 5),
    (
        "location",
        "expires modified @1h;",
        '"expires" directive daily time cannot be used with "modified" parameter',
        5,
    ),
    (
        "location",
        "expires @25h;",
        '"expires" directive daily time value must be less than 24 hours',
        5,
    ),
    ("location", "expires modified off;", '"expires" directive invalid value', 5),
    ("location", "expires foo 1;", '"expires" directive invalid value', 5),
    ("location", "expires 1; expires 2;", '"expires" directive is duplicate', 5),
    ("location", "expires;", 'invalid number of arguments in "expires" directive', 5),
    ("location", "expires 1x;", '"expires" directive invalid value', 5),
    ("location", "expires @;", '"expires" directive invalid value', 5),
    ("location", "expires +;", '"expires" directive invalid value', 5),
    ("location", 'expires "";', '"expires" directive invalid value', 5),
    (
        "location",
        "chunked_transfer_encoding x;",
        'invalid value "x" in "chunked_transfer_encoding" directive, it must be "on" or "off"',
        5,
    ),
    (
        "location",
        "msie_padding x;",
        'invalid value "x" in "msie_padding" directive, it must be "on" or "off"',
        5,
    ),
    (
        "location",
        "if ($host) { server_tokens on; }",
        '"server_tokens" directive is not allowed here',
        5,
    ),
    (
        "location",
        "if ($host) { msie_refresh on; }",
        '"msie_refresh" directive is not allowed here',
        5,
    ),
)

ODD_FILTERS = (
    ("location", 'add_header "" b;'),
    ("location", "server_tokens build;"),
    ("location", "expires @24h;"),
    ("location", "expires -1;"),
    ("location", "expires +1h;"),
    ("location", 'expires "1h 30m";'),
    ("location", "expires 1h30m;"),
    ("location", "expires modified +1d;"),
    ("location", "add_header a $sent_trailer_foo;"),
    (
        "location",
        "if ($host) { add_header a b; add_trailer a b always; expires max; add_header_inherit merge; }",
    ),
)
