"""What is wrong with what is said of files, in nginx's words: a live one is asked."""

import re
import subprocess
from pathlib import Path

import pytest
from broken_files import whole

from surehop.conf.loading import loads
from surehop.errors import ConfigErrors
from surehop.lab.subjects import Program

pytestmark = pytest.mark.peers

_TOLD = re.compile(r"\[(?:emerg|warn)\] (?:\d+#\d+: )?(.*)")

LOCATION = """
root;
root a b;
root a; root b;
root a; alias b;
alias b; root a;
alias a; alias a;
alias $document_root/x;
root ${realpath_root}/x;
root $realpath_rootx;
root $nothing;
root $;
root "";
root /;
root $uri/;
alias "";
index;
index "" x;
index x "";
index /x y;
index y /x; index z;
index $nothing;
try_files x;
try_files x =x;
try_files x =;
try_files x =1000;
try_files x =999;
try_files a b; try_files c d;
try_files $nothing b;
try_files $uri $uri/ =404;
types { a b { } }
types { a b; a b; c B; }
types { a b; } types { c b; }
types { a b c d; e; }
types { include; }
types { include a b; }
types { include nothing; }
types { a b; c }
types a { }
types;
default_type;
default_type a b;
default_type a; default_type b;
etag maybe;
if_modified_since always;
if_modified_since;
max_ranges x;
max_ranges -1;
log_not_found 1;
limit_except { }
limit_except GET X { }
limit_except get trace { }
limit_except GET { root /x; }
limit_except GET { return 200; }
limit_except GET { } limit_except POST { }
limit_except GET { proxy_pass http://127.0.0.1/x; }
limit_except GET { access_log off; proxy_pass http://127.0.0.1; }
limit_except GET;
post_action;
post_action /a; post_action /b;
if ($uri) { post_action @a; }
if ($uri) { root x; }
if ($uri) { alias x; }
if ($uri) { index x; }
if ($uri) { try_files x y; }
if ($uri) { default_type x; }
"""
SERVER = """
alias x;
location @a { alias x; }
location @a { root x; try_files a b; }
location ~ a { alias x; }
limit_except GET { }
try_files a b;
root a; location / { alias b; location /c { } }
"""
HTTP = """
try_files a b;
types { a b; } types { c b; }
limit_except GET { }
root a; root b;
"""
SNIPPETS = [
    (context, line)
    for context, lines in (("location", LOCATION), ("server", SERVER), ("http", HTTP))
    for line in lines.strip().splitlines()
]


@pytest.mark.parametrize(("context", "snippet"), SNIPPETS)
def test_said_like_nginx(nginx: Program, tmp_path: Path, context: str, snippet: str) -> None:
    """The warnings, and the error that ends it."""
    text = whole(context, snippet)
    (tmp_path / "logs").mkdir()
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    command = [*nginx.argv, "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr", "-t"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    theirs = _TOLD.findall(run.stderr)
    ours: list[str] = []
    try:
        model = loads(text.encode(), file=str(file), prefix=tmp_path, privileged=True)
        ours = [str(warning) for warning in model.warnings]
    except ConfigErrors as error:
        # what comes behind the first error, and warnings before it, are not compared
        theirs = theirs[-1:]
        found = error.errors[0]
        ours = [str(found) if f"{file}:" in theirs[0] else found.message]

    assert ours == theirs
