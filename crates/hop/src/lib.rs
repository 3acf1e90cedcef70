//! The reactor, sockets and timers, and the one driver of an attempt.
