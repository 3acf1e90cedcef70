//! HTTP/1 messages from and to bytes. Pure, and knows no other crate.
