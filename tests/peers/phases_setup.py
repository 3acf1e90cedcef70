# ruff: noqa: E501 (a location a line)
"""The configuration and the requests by which the phases are compared with nginx."""

from likeness import Case
from relay_setup import ask

HTTP = r"""
    map $arg_m $mapped {
        hostnames;
        default "other:$arg_m";
        a one;
        B two;
        \default escaped;
        *.b.c star;
        .dot.d dot;
        tail.* tail;
        ~^x(?<named>[0-9]*)$ "regex:$named:$1";
        ~*^Y caseless;
    }
    map $uri $late { volatile; ~^/new new; default old; }
    geo $place { default nowhere; 127.0.0.0/8 here; 127.0.0.1 me; 10.0.0.0/8 ten; ::1 six; }
    geo $arg_ip $asked { default none; 10.0.0.0/8 ten; 10.1.0.0/16 ten-one; 10.1.2.3 host; 2001:db8::/32 v6; }
    geo $arg_ip $ranged { ranges; default none; 10.0.0.0-10.0.0.9 low; 10.0.0.10-10.0.0.19 high; }
    split_clients "${arg_s}" $split { 10% one; 25.5% two; * rest; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first *.wild.example .dot.example tail.*;
        rewrite_log on;
        location / { return 200 "root $server_name $host $uri\n"; }
        location /marker/ { rewrite_log off; return 204; }
        location = /exact { return 200 "exact\n"; }
        location /exact { return 200 "prefix\n"; }
        location ^~ /final { return 200 "final\n"; }
        location ~ ^/(?<part>[a-z]+)-([0-9]+)$ { return 200 "regex $part $1 $2\n"; }
        location ~* /CASE { return 200 "case $uri\n"; }
        location /nest/ {
            location /nest/in { return 200 "in\n"; }
            location = /nest/exact { return 200 "nested exact\n"; }
            location ~ \.x$ { return 200 "nested regex\n"; }
            location /nest/deep/ { location ~ y { return 200 "deepest\n"; } return 200 "deep\n"; }
            return 200 "nest\n";
        }
        location /slash/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /secret { internal; return 200 "secret $uri $args $request_method\n"; }

        location /last { rewrite ^/last/(.*)$ /to/$1?q=$1 last; return 200 "last\n"; }
        location /dropped { rewrite ^/dropped/(.*)$ /to/$1?q=1? last; }
        location /noargs { rewrite ^ /to? last; }
        location /stop { rewrite ^/stop(.*)$ /new$1 break; proxy_pass http://127.0.0.1:ORIGIN; return 200; }
        location /on { rewrite ^/on/(.*) /on2/$1; rewrite ^/on2/(.*) /to/$1 last; }
        location /none { rewrite ^/other /to last; return 200 "none\n"; }
        location /loop { rewrite ^ /loop last; }
        location /empty { rewrite ^ $arg_nothing last; }
        location /moved { rewrite ^/moved/(.*) /there/$1 permanent; }
        location /found { rewrite ^/found/(.*) /there/$1?a=$1 redirect; }
        location /away { rewrite ^/away/(.*) http://elsewhere.example/$1?; }
        location /scheme { rewrite ^ $scheme://$host/x; }
        location /hidden { rewrite ^ /secret?$args last; }
        location /to { return 200 "to $uri $args $request_uri\n"; }
        location /passed { rewrite ^/passed/(.*) /up/$1?x=1 break; proxy_pass http://127.0.0.1:ORIGIN; }
        location /uri { rewrite ^/uri/(.*) /up/$1 break; proxy_pass http://127.0.0.1:ORIGIN/base/; }
        location /resolved { rewrite ^/resolved/(.*) /slash/$1 last; }
        location /args { set $args "a=b&c=d"; return 200 "$args $arg_c $is_args $query_string\n"; }

        location /set { set $a "$uri$arg_x"; set $b "<$a>"; set $a 2; return 200 "$a $b ${b}c\n"; }
        location /captured { if ($uri ~ "^/captured/(.)(.)?") { set $a "$1:$2"; } return 200 "$a|$1\n"; }
        location /unset { return 200 "[$never]\n"; }
        location /quiet { uninitialized_variable_warn off; return 200 "[$never]\n"; }
        location /never { set $never 1; }
        location /if {
            set $a "";
            if ($arg_a = 1) { set $a "${a}equal "; }
            if ($arg_a != 1) { set $a "${a}differs "; }
            if ($arg_b ~ ^(b+)c$) { set $a "${a}matches:$1 "; }
            if ($arg_b ~* ^B) { set $a "${a}caseless "; }
            if ($arg_b !~ c) { set $a "${a}not "; }
            if ($arg_b !~* C) { set $a "${a}not-caseless "; }
            if ($arg_c) { return 403; }
            if (-d /tmp) { set $a "${a}folder "; }
            if (!-f /tmp) { set $a "${a}nofile "; }
            if (-e /nowhere/at/all) { set $a "${a}exists "; }
            if (!-x /tmp) { set $a "${a}notexecutable "; }
            return 200 "$a\n";
        }
        location /blocks {
            error_page 404 /to/outer;
            if ($arg_a) { break; }
            if ($arg_b) { error_page 404 =200 /to/inner; return 404; }
            if ($arg_d) { proxy_pass http://127.0.0.1:ORIGIN; }
            if ($arg_e) { rewrite ^ /to/block last; }
            proxy_pass http://127.0.0.1:REFUSED;
        }
        location /stopped { proxy_pass http://127.0.0.1:ORIGIN; break; return 200 "never\n"; }
        location /codes/404 { return 404; }
        location /codes/text { error_page 404 /to/x; return 404 "my text\n"; }
        location /codes/500 { return 500; }
        location /codes/503 { return 503; }
        location /codes/301 { return 301; }
        location /codes/201 { return 201; }
        location /codes/304 { return 304; }
        location /codes/408 { error_page 408 /to/x; return 408; }
        location /codes/494 { return 494 "text\n"; }

        location /vars { return 200 "$mapped|$late|$place|$asked|$ranged|$split|$named\n"; }

        location /page/plain { error_page 404 /to/page; return 404; }
        location /page/args { error_page 404 403 /to/page?x=y; return 403; }
        location /page/var { error_page 404 /to/$arg_p?v=$arg_p; return 404; }
        location /page/over { error_page 404 =200 /to/page; return 404; }
        location /page/own { error_page 404 = /codes/503; return 404; }
        location /page/own-text { error_page 404 = /to/own; return 404; }
        location /page/named { error_page 404 = @named; return 404; }
        location /page/kept { error_page 404 @named; return 404; }
        location /page/missing { error_page 404 @nobody; return 404; }
        location /page/status { error_page 404 /to/status; return 404; }
        location = /to/status { return 200 "$status $uri"; }
        location /page/url { error_page 404 http://elsewhere.example/$uri; return 404; }
        location /page/url301 { error_page 404 =301 http://elsewhere.example/; return 404; }
        location /page/slash301 { error_page 404 =301 /codes/503; return 404; }
        location /page/internal { error_page 404 /secret; return 404; }
        location /page/bad { error_page 502 504 /to/bad; proxy_pass http://127.0.0.1:REFUSED; }
        location /page/again { error_page 502 = @up; proxy_pass http://127.0.0.1:REFUSED; }
        location /page/up { error_page 502 /up; proxy_pass http://127.0.0.1:REFUSED; }
        location /page/twice { error_page 404 /page/second; return 404; }
        location /page/second { error_page 404 /to/never; return 404; }
        location /page/recursive { recursive_error_pages on; error_page 404 /page/third; return 404; }
        location /page/third { recursive_error_pages on; error_page 404 /to/third; return 404; }
        location /page/circle { recursive_error_pages on; error_page 404 /page/circle; return 404; }
        location /page/large { client_max_body_size 3; error_page 413 /to/large; proxy_pass http://127.0.0.1:ORIGIN; }
        location /up { proxy_pass http://127.0.0.1:ORIGIN; }
        location @named { return 200 "named $uri $args\n"; }
        location @up { proxy_pass http://127.0.0.1:ORIGIN; }
        location @again { rewrite ^ /to/again last; }
        location /page/rewritten { error_page 404 = @again; return 404; }

        location /redirect/relative { absolute_redirect off; return 302 /x; }
        location /redirect/port { port_in_redirect off; return 302 /x; }
        location /redirect/name { server_name_in_redirect on; return 302 /x; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name ~^(?<sub>r[0-9]+)\.example$ ~^(.)ther\.example$ second.wild.example "";
        error_page 404 /not-found;
        merge_slashes off;
        set $a server;
        if ($arg_gone) { return 410; }
        if ($arg_named) { set $a "if"; }
        rewrite ^/s/(.*)$ /q/$1;
        location /q/ { return 200 "q $uri $a $sub $1 $server_name\n"; }
        location = /not-found { return 200 "nothing at $request_uri\n"; }
    }
"""

_TARGETS = """
    / /exact /exactly /final-1 /abc-12 /x/case /X/CaSe /nest/ /nest/in /nest/inner /nest/exact
    /nest/a.x /nest/deep/ /nest/deep/y /slash /slash?a /slash/ /secret //a//b /a/%2e%2e/b
    /last/abc /last/a%20b?k=1 /last/a+b /last/a%26b%3bc%2bd%25e%22f%3cg%27h%3di%3fj%23k%5el
    /dropped/x?k=1 /noargs?k=1 /stop/x?y=1 /on/x /none /loop /empty /moved/a%20b?c /moved/%c3%a9%7e
    /found/a%26b%3fc?d=1 /found/x /away/x?y /away/ /scheme /hidden?k=1 /passed/a%20b?c=d /passed/x
    /uri/a%20b?c /uri/ /resolved/x?y /resolved/a%20b /args /args?x /set?x=y /captured/ab /captured/a
    /captured/%c3%a9 /captured/+a /captured /unset /quiet /if /if?a=1 /if?b=bbc /if?b=BC /if?c=1 /if?c=0
    /blocks?a=1 /blocks?b=1 /blocks?d=1 /blocks?e=1 /blocks /stopped/x?c /codes/404 /codes/text
    /codes/500 /codes/503 /codes/301 /vars /vars?m=a /vars?m=A /vars?m=b /vars?m=default
    /vars?m=x.b.c /vars?m=b.c /vars?m=dot.d /vars?m=a.dot.d. /vars?m=tail.z /vars?m=x12 /vars?m=yes
    /vars?ip=10.2.0.1 /vars?ip=10.1.9.9 /vars?ip=10.1.2.3 /vars?ip=2001:db8::1 /vars?ip=x
    /vars?ip=10.0.0.9 /vars?ip=10.0.0.10 /vars?s=a /vars?s=bb /vars?s=ccc /vars?s=dddd /vars?s=eeeee
    /page/plain?k /page/args /page/var?p=z /page/over /page/own /page/own-text /page/named?k
    /page/status /codes/201 /codes/304 /codes/408 /codes/494 /page/kept /page/missing /page/url /page/url301 /page/slash301 /page/internal /page/bad
    /page/again?k=1 /page/up /page/twice /page/recursive /page/circle
    /page/rewritten?k /redirect/relative /redirect/port /redirect/name
""".split()  # noqa: SIM905 (a paragraph can be read)

_HOSTS = """
    a.wild.example a.b.wild.example wild.example dot.example x.dot.example tail.x tail.x.y TAIL.X
    r12.example r.example other.example second.wild.example nobody.example
""".split()  # noqa: SIM905

CASES = [
    *(Case(f"GET {target}", ask("GET", target)) for target in _TARGETS),
    *(Case(f"host {host}", ask("GET", "/q//a?x", host=host)) for host in _HOSTS),
    *(
        Case(f"server {target}", ask("GET", target, host="r1.example"))
        for target in ("/s/x", "/?gone=1", "/q/?named=1", "/q//x//y", "/%zz", "/s/")
    ),
    Case("no host", b"GET /q/ HTTP/1.0\r\n\r\n"),
    Case("HEAD of an error page", ask("HEAD", "/page/plain"), heads=(0,)),
    Case("POST to an error page", ask("POST", "/page/internal", "Content-Length: 3", body=b"abc")),
    Case(
        "POST that goes upstream again",
        ask("POST", "/page/again", "Content-Length: 3", body=b"abc"),
    ),
    Case(
        "POST to an upstream error page", ask("POST", "/page/up", "Content-Length: 3", body=b"abc")
    ),
    Case("POST that is too large", ask("POST", "/page/large", "Content-Length: 5", body=b"abcde")),
    Case("kept", [ask("GET", "/page/plain", close=False) + ask("GET", "/page/named")]),
    Case("not kept", [ask("GET", "/codes/500", close=False)]),
]
