"""What is wrong with rewriting, locations and variables, in nginx's words: a live one is asked."""

import re
import subprocess
from pathlib import Path

import pytest
from broken_files import whole

from surehop.conf.loading import loads
from surehop.errors import ConfigErrors
from surehop.lab.subjects import Program

pytestmark = pytest.mark.peers

_EMERG = re.compile(r"\[emerg\] (?:\d+#\d+: )?(.*)")

LOCATION = """
rewrite a;
rewrite a b c;
rewrite a b last last;
rewrite a "";
set a b;
set $a;
set $ b;
set $host b;
set $uri b;
break a;
if a {}
if (a) {}
if ($a {}
if ($uri = ) {}
if ($uri == b) {}
if ($uri = a b) {}
if (-z a) {}
if (-f) {}
if (!-f a b) {}
if () {}
if {}
if ($uri) { if ($uri) {} }
if ($uri) { proxy_pass http://127.0.0.1/a; }
if ($uri) { client_max_body_size 1; }
error_page 404;
error_page 200 /a;
error_page 600 /a;
error_page 499 /a;
error_page x /a;
error_page = /a;
error_page 404 =x /a;
error_page =200 /a;
internal a;
location b {}
location /b/c { location /d {} }
location /a { location @b {} }
recursive_error_pages x;
merge_slashes on;
rewrite_log maybe;
"""
SERVER = """
location = /a { location /a/b {} }
location @a { location /a {} }
location ~ a { proxy_pass http://127.0.0.1/a; }
location @a { proxy_pass http://127.0.0.1/a; }
location @a {} location @a {}
location ~ a {} location ~ a {}
location /a {} location ^~ /a {}
location !~ /a {}
server_name ~;
server_name *;
server_name *.;
server_name .;
server_name *a;
internal;
if ($uri) { proxy_pass http://127.0.0.1; }
if ($uri) { error_page 404 /a; }
location ~ a { location /b {} }
"""
HTTP = """
map $a $b { c; }
map $a { c d; }
map $a $b { c d e; }
map a b {}
map $uri $b { a 1; a 2; }
map $uri $b { default a; default b; }
map $uri $b { hostnames; *.a 1; *.a 2; }
map $uri $uri {}
geo $a { 1.2.3 b; }
geo $a { ranges; 1.2.3.4 b; }
geo a {}
geo $a { 1.0.0.0/8; }
geo $a { 1.0.0.0/8 a; ranges; }
geo $a { ranges; 1.0.0.9-1.0.0.1 a; }
split_clients $uri $a { 50% a; 60% b; }
split_clients $uri $a { x a; }
split_clients $uri $a { 0% a; }
split_clients $uri a { * a; }
split_clients $uri $a { 10.123% b; }
map $uri $b { include nothing; }
"""
SNIPPETS = [
    (context, line)
    for context, lines in (("location", LOCATION), ("server", SERVER), ("http", HTTP))
    for line in lines.strip().splitlines()
]


@pytest.mark.parametrize(("context", "snippet"), SNIPPETS)
def test_said_like_nginx(nginx: Program, tmp_path: Path, context: str, snippet: str) -> None:
    text = whole(context, snippet)
    (tmp_path / "logs").mkdir()
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    command = [*nginx.argv, "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr", "-t"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    theirs = _EMERG.search(run.stderr)
    ours = None
    try:
        loads(text.encode(), file=str(file), prefix=tmp_path, privileged=True)
    except ConfigErrors as error:
        ours = str(error.errors[0])

    assert ours == (theirs[1] if theirs else None)
