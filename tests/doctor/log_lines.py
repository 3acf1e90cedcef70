"""Lines of every kind of log that is known: seeds of the fuzz target."""

NGINX = (
    "2026/01/05 10:00:00 [error] 11#11: *7 {}, client: 192.0.2.1, server: example.com, request:"
    ' "POST /a HTTP/1.1", upstream: "{}", host: "example.com"\n'
)
COMMON = '192.0.2.1 - - [05/Jan/2026:10:00:0{} +0100] "GET / HTTP/1.1" {} 157'
HAPROXY = (
    "Jan  5 10:00:00 lb haproxy[7]: 192.0.2.1:3317 [05/Jan/2026:10:00:00.655] web~ app/a"
    ' 10/0/30/69/109 {} 2750 - - {}VN 1/1/1/1/+2 0/0 {{}} {{}} "GET / HTTP/1.1"\n'
)
TCP = "192.0.2.1:3317 [05/Jan/2026:10:00:00.655] db db/a 0/0/5007 212 {} 0/0/0/0/3 0/0\n"
ENVOY = (
    '[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 {} via_upstream 0 95 12 - "-" "c" "i" "app"'
    ' "[2001:db8::1]:80"\n'
)
OUTAGE = [
    ("connect() failed (111: Connection refused) while connecting to upstream", "http://[::1]:3/a"),
    ("upstream server temporarily disabled while connecting to upstream", "http://[::1]:3/a"),
    ("upstream prematurely closed connection while reading upstream", "http://unix:/run/s:/a"),
    ("no live upstreams while connecting to upstream", "http://app/a"),
]
ISTIO = (
    '[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started'
    '{remote_connection_failure|delayed_connect_error:_Connection_refused} - "why" 0 91 0 - "-" "c"'
    ' "i" "app" "192.0.2.1:80" outbound - 192.0.2.2:80 192.0.2.3:9 - default\n'
)
ALB = (
    "http 2026-01-05T10:00:00.186641Z app/a/5 192.0.2.9:2817 192.0.2.1:80 {} 34 366"
    ' "POST http://a.example:80/a HTTP/1.1" "c" - - arn "Root=1" "-" "-" 0'
    ' 2026-01-05T10:00:00.186Z "forward" "-" "-" "192.0.2.1:80" "-" "-" "-" TID_1\n'
)
GCP = """\
[
  {
    "httpRequest": {"requestMethod": "POST", "serverIp": "192.0.2.1", "status": 502},
    "jsonPayload": {
      "proxyStatus": "error=\\"connection_refused\\"",
      "statusDetails": "backend_timeout"
    },
    "timestamp": "2026-01-05T10:00:00.310Z"
  }
]
"""
TEXTS = [
    "".join(NGINX.format(*each) for each in OUTAGE),
    "2026/01/05 10:00:00 [notice] 1#1: nginx/1.25.3\n",
    NGINX.format(*OUTAGE[0])[:90] + NGINX.format(*OUTAGE[1]),
    COMMON.format(1, 200) + ' "-" "curl/8"\n' + COMMON.format(2, 502) + ' "-" "curl/8"\n',
    COMMON.format(3, 499) + "\n",
    HAPROXY.format(503, "SH") + HAPROXY.format(200, "--"),
    TCP.format("sC") + TCP.format("--"),
    ENVOY.format("UC,URX") + ENVOY.format("-"),
    ISTIO,
    '{"response_flags":"UF,URX","response_code":503,"upstream_host":"192.0.2.1:80"}\n',
    ALB.format("-1 -1 -1 502 -") + ALB.format("0.000 60.001 -1 504 -"),
    ALB.format("0.000 0.001 0.000 200 200").removeprefix("http "),
    GCP,
    '1767607200.000 200 192.0.2.1:80, 192.0.2.2:80 : app "reused_closed, ok" 7\n',
    '{"at":"2026-01-05T10:00:00+01:00","status":502,"tries":"502, 200 : 504"}\n',
]
SAMPLES = [text.encode() for text in TEXTS]
