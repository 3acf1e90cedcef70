//! Status lines and error pages, worded as nginx words them.

use memchr::memmem;

/// nginx's status and reason (`404 Not Found`), or none where nginx sends the number, a blank and
/// nothing more.
pub const fn line(status: u16) -> Option<&'static str> {
    Some(match status {
        200 => "200 OK",
        201 => "201 Created",
        202 => "202 Accepted",
        204 => "204 No Content",
        206 => "206 Partial Content",
        301 => "301 Moved Permanently",
        302 => "302 Moved Temporarily",
        303 => "303 See Other",
        304 => "304 Not Modified",
        307 => "307 Temporary Redirect",
        308 => "308 Permanent Redirect",
        400 => "400 Bad Request",
        401 => "401 Unauthorized",
        402 => "402 Payment Required",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Not Allowed",
        406 => "406 Not Acceptable",
        407 => "407 Proxy Authentication Required",
        408 => "408 Request Time-out",
        409 => "409 Conflict",
        410 => "410 Gone",
        411 => "411 Length Required",
        412 => "412 Precondition Failed",
        413 => "413 Request Entity Too Large",
        414 => "414 Request-URI Too Large",
        415 => "415 Unsupported Media Type",
        416 => "416 Requested Range Not Satisfiable",
        421 => "421 Misdirected Request",
        429 => "429 Too Many Requests",
        500 => "500 Internal Server Error",
        501 => "501 Not Implemented",
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        505 => "505 HTTP Version Not Supported",
        507 => "507 Insufficient Storage",
        _ => return None,
    })
}

/// The status that goes over the wire: nginx's own 494 to 497 are sent and logged as 400.
pub const fn sent(status: u16) -> u16 {
    match status {
        494..=497 => 400,
        other => other,
    }
}

/// The title of nginx's page for a status; pages differ from status lines in two places.
const fn title(status: u16) -> Option<&'static str> {
    match status {
        302 => Some("302 Found"),
        401 => Some("401 Authorization Required"),
        301 | 303 | 307 | 308 | 400.. => line(status),
        _ => None,
    }
}

/// What nginx's pages for its own statuses add to `400 Bad Request`.
const fn detail(status: u16) -> Option<&'static str> {
    match status {
        494 => Some("Request Header Or Cookie Too Large"),
        495 => Some("The SSL certificate error"),
        496 => Some("No required SSL certificate was sent"),
        497 => Some("The plain HTTP request was sent to HTTPS port"),
        _ => None,
    }
}

const PADDING: &str = "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n";

/// Appends nginx's error page (`text/html`) for `status`, signed with `product` (`surehop/0.1.0`).
///
/// `pad` adds the comments that nginx pads error pages with for some browsers (see [`padded_for`]);
/// redirects are never padded. Returns false, with nothing appended, if nginx has no page for the
/// status: its answer then has an empty body.
pub fn page(status: u16, product: &str, pad: bool, out: &mut Vec<u8>) -> bool {
    let mut write = |parts: &[&str]| {
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
    };
    if let Some(detail) = detail(status) {
        write(&[
            "<html>\r\n<head><title>400 ",
            detail,
            "</title></head>\r\n<body>\r\n",
        ]);
        write(&[
            "<center><h1>400 Bad Request</h1></center>\r\n<center>",
            detail,
            "</center>\r\n",
        ]);
    } else if let Some(title) = title(status) {
        write(&[
            "<html>\r\n<head><title>",
            title,
            "</title></head>\r\n<body>\r\n",
        ]);
        write(&["<center><h1>", title, "</h1></center>\r\n"]);
    } else {
        return false;
    }
    write(&[
        "<hr><center>",
        product,
        "</center>\r\n</body>\r\n</html>\r\n",
    ]);
    if pad && status >= 400 {
        write(&[PADDING; 6]);
    }
    true
}

/// Whether nginx pads error pages for this browser: what calls itself Internet Explorer or Chrome.
pub fn padded_for(user_agent: &[u8]) -> bool {
    let has = |word: &str| memmem::find(user_agent, word.as_bytes()).is_some();
    explorer(user_agent) || (!has("Opera") && !has("Gecko/") && has("Chrome/"))
}

/// Whether nginx takes this browser for an Internet Explorer.
pub fn explorer(user_agent: &[u8]) -> bool {
    memmem::find(user_agent, b"Opera").is_none() && explorer_at(user_agent).is_some()
}

/// Whether it is one before version 7 that can't be trusted to inflate.
pub fn old_explorer(user_agent: &[u8]) -> bool {
    let Some(at) = explorer_at(user_agent).filter(|_| explorer(user_agent)) else {
        return false;
    };
    match (user_agent[at + 5], user_agent[at + 6]) {
        (b'4' | b'5', b'.') => true,
        (b'6', b'.') => memmem::find(&user_agent[at + 7..], b"SV1").is_none(),
        _ => false,
    }
}

fn explorer_at(user_agent: &[u8]) -> Option<usize> {
    memmem::find(user_agent, b"MSIE ").filter(|at| at + b"MSIE 6.".len() < user_agent.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let mut out = Vec::new();
        assert!(page(502, "surehop/0.1.0", false, &mut out));
        let expected = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
            <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>surehop/0.1.0</center>\r\n\
            </body>\r\n</html>\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn lengths_are_nginx_s() {
        // Measured with the product `nginx/1.31.3`.
        let table = [
            (301, 169),
            (302, 145),
            (303, 153),
            (307, 171),
            (308, 171),
            (400, 157),
            (401, 179),
            (404, 153),
            (405, 157),
            (413, 183),
            (414, 177),
            (416, 197),
            (421, 173),
            (494, 233),
            (495, 215),
            (496, 237),
            (497, 255),
            (502, 157),
            (503, 197),
            (504, 167),
            (507, 175),
        ];
        for (status, length) in table {
            let mut out = Vec::new();
            assert!(page(status, "nginx/1.31.3", false, &mut out));
            assert_eq!(out.len(), length, "{status}");
            let mut padded = Vec::new();
            assert!(page(status, "nginx/1.31.3", true, &mut padded));
            assert_eq!(
                padded.len() - length,
                if status < 400 { 0 } else { 402 },
                "{status}"
            );
        }
    }

    #[test]
    fn statuses_without_a_page() {
        for status in [
            200, 204, 206, 300, 304, 305, 417, 418, 422, 431, 451, 506, 599,
        ] {
            let mut out = Vec::new();
            assert!(!page(status, "x", true, &mut out), "{status}");
            assert!(out.is_empty());
        }
    }

    #[test]
    fn browsers_that_get_padding() {
        let table = [
            ("curl/8", false),
            ("", false),
            ("Mozilla/5.0 (KHTML, like Gecko) Chrome/99 Safari/537", true),
            ("Gecko/20100101 Chrome/99", false),
            ("Mozilla/4.0 (compatible; MSIE 6.0; Windows)", true),
            ("Mozilla/4.0 (compatible; MSIE 10.0)", true),
            ("x MSIE 7.0 Opera", false),
            ("MSIE 6.", false),
            ("MSIE 6.0", true),
            ("msie 6.0", false),
            ("chrome/1", false),
        ];
        for (agent, expected) in table {
            assert_eq!(padded_for(agent.as_bytes()), expected, "{agent}");
        }
    }

    #[test]
    fn lines_start_with_their_status() {
        for status in 100..600 {
            if let Some(line) = line(status) {
                assert!(line.starts_with(&format!("{status} ")));
            }
        }
        assert_eq!(line(203), None);
        assert_eq!(
            [sent(494), sent(497), sent(498), sent(404)],
            [400, 400, 498, 404]
        );
    }
}
