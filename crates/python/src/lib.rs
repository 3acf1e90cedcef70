//! The native module surehop._core: convert, wrap, map errors.
