"""What nginx refuses, and takes, of its proxy module's directives: rows for `broken_files`."""

_LARGEST = 'the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"'
_LESS = (
    '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer'
)
_FILES = (
    '"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or must '
    f"be equal to or greater than {_LARGEST}"
)
_TO = "proxy_pass http://127.0.0.1;"

BROKEN = (
    ("location", "proxy_redirect a;", 'invalid parameter "a"', 5),
    (
        "location",
        f"proxy_redirect default; {_TO}",
        '"proxy_redirect default" should be placed after the "proxy_pass" directive',
        5,
    ),
    (
        "location",
        "proxy_redirect off; proxy_redirect a b;",
        '"proxy_redirect" directive is duplicate',
        5,
    ),
    (
        "location",
        "proxy_redirect a b; proxy_redirect off;",
        '"proxy_redirect" directive is duplicate',
        5,
    ),
    (
        "location",
        "proxy_redirect a b c;",
        'invalid number of arguments in "proxy_redirect" directive',
        5,
    ),
    ("location", "proxy_redirect $nobody b;", 'unknown "nobody" variable', None),
    ("location", "proxy_cookie_domain a;", 'invalid parameter "a"', 5),
    (
        "location",
        "proxy_cookie_domain off; proxy_cookie_domain off;",
        '"proxy_cookie_domain" directive is duplicate',
        5,
    ),
    ("location", "proxy_cookie_path a;", 'invalid parameter "a"', 5),
    (
        "location",
        "proxy_cookie_path off; proxy_cookie_path / /x;",
        '"proxy_cookie_path" directive is duplicate',
        5,
    ),
    ("location", "proxy_cookie_flags a;", 'invalid parameter "a"', 5),
    (
        "location",
        "proxy_cookie_flags a secure; proxy_cookie_flags off;",
        '"proxy_cookie_flags" directive is duplicate',
        5,
    ),
    (
        "location",
        "proxy_cookie_flags a b c d e;",
        'invalid number of arguments in "proxy_cookie_flags" directive',
        5,
    ),
    ("location", "proxy_ignore_headers x;", 'invalid value "x"', 5),
    (
        "location",
        "proxy_intercept_errors x;",
        'invalid value "x" in "proxy_intercept_errors" directive, it must be "on" or "off"',
        5,
    ),
    (
        "location",
        "proxy_pass http://$host; proxy_redirect default;",
        '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables',
        5,
    ),
    ("location", "proxy_pass http://$nobody;", 'unknown "nobody" variable', None),
    ("location", "proxy_bind x;", 'invalid address "x"', 5),
    ("location", "proxy_bind off x;", 'invalid address "off"', 5),
    ("location", "proxy_bind 127.0.0.1 x;", 'invalid parameter "x"', 5),
    ("location", "proxy_bind unix:/a;", 'invalid address "unix:/a"', 5),
    ("location", "proxy_bind '';", 'invalid address ""', 5),
    ("location", "proxy_limit_rate x;", '"proxy_limit_rate" directive invalid value', 5),
    ("location", "proxy_buffers 8 x;", '"proxy_buffers" directive invalid value', 5),
    ("location", "proxy_buffers 0 8k;", '"proxy_buffers" directive invalid value', 5),
    ("location", "proxy_buffers 1 8k;", 'there must be at least 2 "proxy_buffers"', 8),
    ("location", "proxy_buffers 2 8k;", _LESS, 8),
    ("location", "proxy_buffer_size 64k;", _LESS, 8),
    ("server", "proxy_buffer_size 64k;", _LESS, 6),
    ("http", "proxy_buffer_size 64k; server { }", _LESS, 4),
    (
        "location",
        "proxy_busy_buffers_size 2k;",
        f'"proxy_busy_buffers_size" must be equal to or greater than {_LARGEST}',
        8,
    ),
    ("location", "proxy_busy_buffers_size 29k;", _LESS, 8),
    (
        "location",
        "proxy_max_temp_file_size 1k;",
        _FILES,
        8,
    ),
    (
        "location",
        "proxy_temp_file_write_size 1k;",
        f'"proxy_temp_file_write_size" must be equal to or greater than {_LARGEST}',
        8,
    ),
    (
        "location",
        "proxy_max_temp_file_size x;",
        '"proxy_max_temp_file_size" directive invalid value',
        5,
    ),
    ("location", "proxy_temp_path a 0;", '"proxy_temp_path" directive invalid value', 5),
    (
        "location",
        "proxy_temp_path a 1 2 3 4;",
        'invalid number of arguments in "proxy_temp_path" directive',
        5,
    ),
    ("location", "proxy_send_lowat x;", '"proxy_send_lowat" directive invalid value', 5),
    ("location", "proxy_cache_bypass $nobody;", 'unknown "nobody" variable', None),
)

ODD = (
    ("location", f"{_TO} proxy_redirect default;"),
    ("location", 'proxy_redirect "" b;'),
    ("location", "proxy_redirect ~*a(.) /$1;"),
    ("location", "proxy_cookie_flags a b; proxy_cookie_flags ~x $host secure;"),
    ("location", "proxy_cookie_flags off secure;"),
    ("location", "proxy_pass $host;"),
    ("location", "if ($host) { proxy_pass ftp://$host/x; }"),
    ("location", "proxy_max_temp_file_size 0; proxy_temp_file_write_size 1m;"),
    ("location", "proxy_temp_path a 1 2 3;"),
    ("location", "proxy_bind off;"),
    ("location", "proxy_bind 127.0.0.1:80;"),
    ("location", "proxy_bind ::1;"),
    ("location", "proxy_bind [::1];"),
    ("location", "proxy_bind $remote_addr:$remote_port;"),
    ("location", "proxy_limit_rate 1k; proxy_socket_rcvbuf 1k; proxy_socket_sndbuf 1k;"),
    ("location", "proxy_limit_rate $host;"),
    ("location", "proxy_ignore_headers Expires expires; proxy_ignore_headers Vary;"),
    ("location", "proxy_busy_buffers_size 28k;"),
    ("location", "proxy_buffer_size 16k; proxy_buffers 4 16k;"),
    ("location", "proxy_send_lowat 1;"),
    ("location", "proxy_cache off; proxy_store off; proxy_cache_bypass $host; proxy_no_cache 1;"),
    ("http", "proxy_buffer_size 64k;"),
)
