//! HTTP/1 messages of one direction, read just far enough to know where each begins and ends.

use std::str;

/// What of a line is looked at.
const LINE: usize = 256;
/// What of a target is kept.
const TARGET: usize = 120;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Between two messages, or in the first line of one.
    #[default]
    Start,
    Fields,
    Body(u64),
    Size,
    Chunk(u64),
    Trailers,
    /// All that comes until the close.
    Close,
    /// Some of the head was not kept, so nobody knows where the message ends.
    Blind,
}

/// What was learnt of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Its first line is here.
    Line,
    /// It is whole.
    Done,
}

/// The message that is being read, or was read last.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// Of a request.
    pub method: Box<str>,
    pub target: Box<str>,
    /// Of a response; 0 otherwise.
    pub status: u16,
    /// Whether its sender closes the connection after it.
    pub closes: bool,
    /// Set by whoever knows that no body follows, whatever the fields say.
    pub bodiless: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    pub(super) fn has_body(&self) -> bool {
        self.chunked || self.length.is_some_and(|length| length > 0)
    }
}

/// Reads one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Messages {
    stage: Stage,
    line: Vec<u8>,
    pub head: Head,
}

/// Whether bytes begin as a request does.
pub(super) fn is_request(data: &[u8]) -> bool {
    let word = data.split(|&byte| byte == b' ').next().unwrap_or_default();
    (3..=16).contains(&word.len())
        && word.len() < data.len()
        && word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b'-')
        && !data.starts_with(b"PRI * HTTP/2")
}

/// Whether bytes begin as a response does.
pub(super) fn is_response(data: &[u8]) -> bool {
    data.starts_with(b"HTTP/1.")
}

impl Messages {
    /// Whether a message has begun and is not known to be whole.
    pub(super) fn is_under_way(&self) -> bool {
        self.stage != Stage::Start || !self.line.is_empty()
    }

    pub(super) fn is_blind(&self) -> bool {
        self.stage == Stage::Blind
    }

    /// Whether its head is not whole yet.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self.stage, Stage::Start | Stage::Fields)
    }

    /// Whether its end is the end of the connection.
    pub(super) fn ends_with_close(&self) -> bool {
        self.stage == Stage::Close
    }

    /// What was read is over, known or not: a new message begins.
    pub(super) fn restart(&mut self) {
        self.stage = Stage::Start;
        self.line.clear();
    }

    /// Reads up to the next news; says how many bytes that took.
    pub(super) fn step(&mut self, data: &[u8]) -> (usize, Option<News>) {
        match self.stage {
            Stage::Close | Stage::Blind => (data.len(), None),
            Stage::Body(left) | Stage::Chunk(left) => {
                let taken = left.min(data.len() as u64);
                (taken as usize, self.pass(taken))
            }
            Stage::Start | Stage::Fields | Stage::Size | Stage::Trailers => {
                let end = memchr::memchr(b'\n', data);
                let part = &data[..end.unwrap_or(data.len())];
                if let (Some(end), true) = (end, self.line.is_empty()) {
                    return (end + 1, self.read_line(&part[..part.len().min(LINE)]));
                }
                let room = LINE.saturating_sub(self.line.len());
                self.line.extend_from_slice(&part[..part.len().min(room)]);
                let Some(end) = end else {
                    return (data.len(), None);
                };
                let line = std::mem::take(&mut self.line);
                let news = self.read_line(&line);
                (end + 1, news)
            }
        }
    }

    /// So many bytes were on the wire and are not here.
    pub(super) fn gap(&mut self, size: u64) -> Option<News> {
        match self.stage {
            _ if size == 0 => None,
            Stage::Body(left) | Stage::Chunk(left) if size <= left => self.pass(size),
            Stage::Close => None,
            Stage::Start if !self.line.is_empty() => {
                let line = std::mem::take(&mut self.line);
                let news = self.first(&line);
                self.stage = Stage::Blind;
                news
            }
            _ => {
                self.stage = Stage::Blind;
                self.line.clear();
                None
            }
        }
    }

    /// So many bytes of what is counted have gone by.
    fn pass(&mut self, size: u64) -> Option<News> {
        match &mut self.stage {
            Stage::Body(left) => {
                *left -= size;
                if *left == 0 {
                    return Some(self.done());
                }
            }
            Stage::Chunk(left) => {
                *left -= size;
                if *left == 0 {
                    self.stage = Stage::Size;
                }
            }
            _ => {}
        }
        None
    }

    fn done(&mut self) -> News {
        self.stage = Stage::Start;
        News::Done
    }

    fn read_line(&mut self, line: &[u8]) -> Option<News> {
        let line = line.trim_ascii_end();
        match self.stage {
            Stage::Start if line.is_empty() => None,
            Stage::Start => self.first(line),
            Stage::Fields if line.is_empty() => self.body(),
            Stage::Fields => {
                self.field(line);
                None
            }
            Stage::Size => {
                let digits = line.split(|byte| b"; \t".contains(byte)).next();
                let size = digits
                    .and_then(|digits| str::from_utf8(digits).ok())
                    .and_then(|digits| u64::from_str_radix(digits, 16).ok());
                self.stage = match size {
                    Some(0) => Stage::Trailers,
                    // with the end of the line behind it
                    Some(size) => Stage::Chunk(size.saturating_add(2)),
                    None => Stage::Blind,
                };
                None
            }
            Stage::Trailers if line.is_empty() => Some(self.done()),
            _ => None,
        }
    }

    fn first(&mut self, line: &[u8]) -> Option<News> {
        let text = String::from_utf8_lossy(line);
        let mut words = text.split(' ');
        let (one, two) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        self.head = Head::default();
        let version = if let Some(version) = one.strip_prefix("HTTP/1.") {
            self.head.status = two.parse().unwrap_or(0);
            version
        } else if is_request(line) {
            self.head.method = one.into();
            self.head.target = two.chars().take(TARGET).collect();
            words.next().unwrap_or_default()
        } else {
            self.stage = Stage::Blind;
            return None;
        };
        self.head.closes = version.ends_with('0');
        self.stage = Stage::Fields;
        Some(News::Line)
    }

    fn field(&mut self, line: &[u8]) {
        let Some(colon) = memchr::memchr(b':', line) else {
            return;
        };
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].to_ascii_lowercase().as_slice() {
            b"content-length" => {
                self.head.length = str::from_utf8(value).ok().and_then(|v| v.parse().ok());
            }
            b"transfer-encoding" => {
                self.head.chunked = value.to_ascii_lowercase().ends_with(b"chunked");
            }
            b"connection" => {
                let value = value.to_ascii_lowercase();
                for option in value.split(|&byte| byte == b',') {
                    match option.trim_ascii() {
                        b"close" => self.head.closes = true,
                        b"keep-alive" => self.head.closes = false,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// What follows the head.
    fn body(&mut self) -> Option<News> {
        let head = &self.head;
        let response = head.status != 0;
        self.stage = match head.length {
            _ if head.bodiless => return Some(self.done()),
            _ if head.chunked => Stage::Size,
            Some(0) => return Some(self.done()),
            Some(length) => Stage::Body(length),
            None if response => Stage::Close,
            None => return Some(self.done()),
        };
        None
    }
}
