"""What each kind of server takes as a request."""

from dataclasses import replace

from surehop.lab.origins.reading import TOKEN, Reading, header_line, request_line

_NODE_METHODS = (
    b"DELETE|GET|HEAD|POST|PUT|CONNECT|OPTIONS|TRACE|COPY|LOCK|MKCOL|MOVE|PROPFIND|PROPPATCH|"
    b"SEARCH|UNLOCK|BIND|REBIND|UNBIND|ACL|REPORT|MKACTIVITY|CHECKOUT|MERGE|M-SEARCH|NOTIFY|"
    b"SUBSCRIBE|UNSUBSCRIBE|PATCH|PURGE|MKCALENDAR|LINK|UNLINK|SOURCE|QUERY"
)
_PLACE = rb"(?:/|\*|[A-Za-z]+://)"  # what a target begins with
_ASCII, _BYTES = rb"[\x21-\x7e]*", rb"[\x21-\x7e\x80-\xff]*"
_NEWER = rb" HTTP/(1\.[0-9])"
_CLEAN = rb"[\t\x20-\x7e\x80-\xff]*"


def _target(text: bytes) -> bytes:
    return _PLACE + text + rb"|(?<=CONNECT )" + text


NODE20 = Reading(
    request_line(_NODE_METHODS, b" +", _target(_ASCII), rb"(?: HTTP/(1\.[01]|2\.0))?"),
    header_line(value=_CLEAN),
    hosts=range(1, 1 << 16),
    codings=True,
    other_coding=400,
    old_chunked=True,
    head_limit=16384,
)
NODE18 = replace(
    NODE20,
    line=request_line(_NODE_METHODS, b" +", _target(_BYTES), rb"(?: HTTP/(1\.[01]|2\.0))?"),
    field=header_line(TOKEN + b"* *", _CLEAN),
    hosts=range(1 << 16),
)
NODE26 = replace(NODE20, fields_limit=2000)
UVICORN = Reading(
    request_line(target=_ASCII, version=_NEWER),
    lf=True,
    folds=True,
    leading=False,
    repeats=True,
    other_coding=400,
    both=True,
    old_chunked=True,
    too_big=400,
)
GUNICORN = Reading(
    request_line(rb"[A-Z0-9$_.-]{3,20}", target=_target(_ASCII), version=_NEWER),
    header_line(value=_CLEAN),
    hosts=range(2),
    hasty=False,
    codings=True,
    other_coding=400,
    line_limit=4094,
    field_limit=8190,
    fields_limit=100,
)
UNICORN = Reading(
    request_line(target=_PLACE + _BYTES, version=_NEWER),
    header_line(value=_CLEAN),
    hosts=range(1 << 16),
    lf=True,
    folds=True,
    leading=False,
    both=True,
    old_chunked=True,
    codings=True,
    other_coding=400,
    line_limit=4096,
    head_limit=114688,
    too_big=413,
)
NGINX = Reading(
    request_line(b"[A-Z_-]+", b" +", rb"(?:/|[A-Za-z]+://)" + _BYTES, _NEWER),
    empty_host=False,
    lf=True,
    line_limit=8192,
    field_limit=8192,
    fields_limit=1000,
    head_limit=32768,
    too_big=400,
)
