//! `Decoder`: content codings unpacked.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Input of this many bytes is worth letting other threads run.
const LARGE: usize = 1024;

/// Unpacks one body as its bytes come.
#[pyclass(module = "surehop._core")]
#[derive(Debug)]
// The mutex is never locked: Python lends a decoder to one thread at a time, and this is how Rust knows.
pub(crate) struct Decoder(Mutex<surehop_coding::Decoder>);

impl Decoder {
    fn inner(&mut self) -> &mut surehop_coding::Decoder {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Decoder {
    #[new]
    fn new(encoding: &str) -> PyResult<Self> {
        surehop_coding::Decoder::new(encoding)
            .map(|inner| Self(Mutex::new(inner)))
            .ok_or_else(|| {
                PyValueError::new_err(format!(
                    "`{encoding}` is no known content coding: gzip, deflate, br and zstd are"
                ))
            })
    }

    /// Takes data in and gives what it unpacks to, at most `limit` bytes of it.
    #[pyo3(signature = (data, limit = None))]
    fn decode<'py>(
        &mut self,
        py: Python<'py>,
        data: &[u8],
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let limit = limit.unwrap_or(usize::MAX);
        let inner = self.inner();
        // What waits may be much, whatever comes now.
        let out = if data.len() >= LARGE || inner.pending() {
            py.detach(|| inner.decode(data, limit))
        } else {
            inner.decode(data, limit)
        };
        given(py, out)
    }

    /// Gives all that is left; a `ValueError` says that the data is cut short.
    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let inner = self.inner();
        let out = if inner.pending() {
            py.detach(|| inner.finish())
        } else {
            inner.finish()
        };
        given(py, out)
    }

    /// Whether there may be more to take without further input.
    #[getter]
    fn pending(&mut self) -> bool {
        self.inner().pending()
    }
}

fn given(
    py: Python<'_>,
    out: Result<Vec<u8>, surehop_coding::Fault>,
) -> PyResult<Bound<'_, PyBytes>> {
    out.map(|bytes| PyBytes::new(py, &bytes))
        .map_err(|fault| PyValueError::new_err(fault.to_string()))
}
