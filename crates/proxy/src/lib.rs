//! The data plane of the proxy: listeners, routing, relaying, workers, logs.
