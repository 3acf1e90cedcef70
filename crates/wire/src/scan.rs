//! Finding the end of a head, however it is cut.

/// Remembers how far a head has been looked at, so that no byte is looked at twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadScan {
    pos: usize,
}

impl HeadScan {
    /// A scan of a request head: empty lines before the request line are not its end.
    pub fn request() -> Self {
        Self::default()
    }

    /// A scan of a response head: an empty line ends it wherever it stands.
    pub fn response() -> Self {
        Self::default()
    }

    /// Looks at the bytes that are new in `buf`, which starts where the head starts.
    ///
    /// Returns the offset after the empty line that ends the head, once it is there.
    pub fn advance(&mut self, _buf: &[u8]) -> Option<usize> {
        todo!()
    }
}
