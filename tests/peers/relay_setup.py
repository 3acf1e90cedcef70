"""The configuration of the exchanges compared with nginx, and the words they are written in."""

# The configuration of both. ORIGIN is the scripted origin's port, REFUSED one that refuses, STUCK
# an address that does not answer a connect.
HTTP = """
    keepalive_timeout 5s;
    client_header_timeout 600ms;
    log_format json escape=json '- | json={"a":"$http_x_one","none":"$http_none","u":"$uri"}';
    log_format bare escape=none '- | bare=$http_x_one $http_none $uri';
    upstream kept { server 127.0.0.1:ORIGIN; }
    upstream two { server 127.0.0.1:REFUSED max_fails=0; server 127.0.0.1:ORIGIN; }
    upstream dead { server 127.0.0.1:REFUSED; server 127.0.0.2:REFUSED; }
    upstream spare { server 127.0.0.1:REFUSED; server 127.0.0.1:ORIGIN backup; }
    upstream both { server 127.0.0.1:ORIGIN max_fails=0; server 127.0.0.1:ORIGIN max_fails=0; }
    upstream stuck { server STUCK; server 127.0.0.1:ORIGIN; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first first.example;
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
        location /marker/ { return 204; }
        location /kept/ { proxy_pass http://kept; }
        location /two/ { proxy_pass http://two; }
        location /dead/ { proxy_pass http://dead; }
        location /spare/ { proxy_pass http://spare; }
        location /both/ { proxy_pass http://both; }
        location /both-more/ {
            proxy_pass http://both;
            proxy_next_upstream error timeout http_503 http_404 non_idempotent;
        }
        location /both-bad/ { proxy_pass http://both; proxy_next_upstream invalid_header; }
        location /both-off/ { proxy_pass http://both; proxy_next_upstream off; }
        location /uri/ { proxy_pass http://127.0.0.1:ORIGIN/replaced/; }
        location = /exact { proxy_pass http://127.0.0.1:ORIGIN/was-exact; }
        location /exact { return 200 "not exact: $uri"; }
        location /bare { proxy_pass http://127.0.0.1:ORIGIN/b; }
        location /old/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_http_version 1.0; }
        location /unbuffered/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_buffering off; }
        location /set/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_set_header Host $host:$server_port;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Accept-Encoding "";
            proxy_set_header X-Empty $arg_nothing;
            proxy_set_header Connection close;
        }
        location /upgrade/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }
        location /quick/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_read_timeout 120ms; }
        location /quick-both/ { proxy_pass http://both; proxy_read_timeout 120ms; }
        location /stuck/ { proxy_pass http://STUCK; proxy_connect_timeout 120ms; }
        location /stuck-next/ { proxy_pass http://stuck; proxy_connect_timeout 120ms; }
        location /missing/ { proxy_pass http://unix:/nowhere/to/be.found:/base/; }
        location /limited/ { proxy_pass http://127.0.0.1:ORIGIN; client_max_body_size 10; }
        location /unlimited/ { proxy_pass http://127.0.0.1:ORIGIN; client_max_body_size 0; }
        location /brief/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_timeout 150ms; }
        location /slow-body/ { proxy_pass http://127.0.0.1:ORIGIN; client_body_timeout 150ms; }
        location /once/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_timeout 0; }
        location /said/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_timeout 5s 7s; }
        location /twice/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_requests 2; }
        location /json/ { access_log logs/access.log json; return 200; }
        location /bare/ { access_log logs/access.log bare; return 200; }
        location /page/ { return 503; }
        location /text/ { return 200 "uri $uri args $args\\n"; }
        location /empty/ { return 200; }
        location /none/ { return 204; }
        location /odd/ { return 299 "odd"; }
        location /teapot/ { return 418; }
        location /moved/ { return 301 /there$is_args$args; }
        location /away/ { return http://elsewhere.example/x; }
        location /see/ { return 303 https://$host$request_uri; }
        location /temporary/ { return 307 /t; }
        location /permanent/ { return 308 /p; }
        location /drop/ { return 444; }
        location /404/ { return 404 "mine\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name second second.example;
        location / { return 200 "second $server_name $host\\n"; }
        location /deep/ { return 200 "deep\\n"; }
        location = /deep/er { return 200 "deeper\\n"; }
        location /deep/er { return 200 "prefix deeper\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name third;
        location /only/ { return 200 "only\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name all;
        return 200 "all $uri\\n";
    }
"""

# Every variable that both have; those that differ from run to run as shapes.
LOGGED = [
    "host",
    "http_host",
    "http_x_one",
    "http_user_agent",
    "http_referer",
    "http_cookie",
    "arg_a",
    "arg_B",
    "cookie_c",
    "sent_http_content_type",
    "sent_http_content_length",
    "sent_http_location",
    "sent_http_transfer_encoding",
    "sent_http_x_up",
    "upstream_http_x_up",
    "upstream_http_content_type",
    "request",
    "request_uri",
    "uri",
    "document_uri",
    "args",
    "query_string",
    "is_args",
    "request_method",
    "scheme",
    "https",
    "server_protocol",
    "server_name",
    "server_addr",
    "server_port",
    "remote_addr",
    "remote_user",
    "status",
    "body_bytes_sent",
    "request_length",
    "request_time",
    "request_completion",
    "content_type",
    "content_length",
    "connection_requests",
    "connection_time",
    "hostname",
    "pipe",
    "proxy_host",
    "proxy_port",
    "proxy_add_x_forwarded_for",
    "upstream_addr",
    "upstream_status",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_response_time",
    "upstream_response_length",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "bytes_sent",
    "msec",
    "time_local",
    "time_iso8601",
    "pid",
    "connection",
    "request_id",
    "remote_port",
]


def get(target: str = "/", *lines: str, version: str = "1.1", close: bool = True) -> bytes:
    """A GET that asks for the connection to be closed, as most cases want it."""
    return ask("GET", target, *lines, version=version, close=close)


def ask(
    method: str,
    target: str,
    *lines: str,
    version: str = "1.1",
    close: bool = True,
    body: bytes = b"",
    host: str = "first",
) -> bytes:
    """A request with these further lines."""
    head = [f"{method} {target} HTTP/{version}", f"Host: {host}", *lines]
    if close:
        head.append("Connection: close")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def head(status: str, *lines: str, version: str = "1.1") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""]).encode("latin-1")


def sized(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """An answer with a length."""
    return head(status, f"Content-Length: {len(body)}", *lines) + body
