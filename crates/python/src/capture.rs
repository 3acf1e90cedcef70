//! `Digest`: what logs tell, read on every core.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use surehop_capture::Source;

/// Tells what kind of log begins so; None where it is none that is known.
#[pyfunction]
// Python gives its list away: nothing else can be taken from it.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn log_kind(head: &[u8], formats: Vec<Vec<u8>>) -> Option<&'static str> {
    surehop_capture::name_of(head, &formats)
}

/// What logs told, in bounded memory. They are read one after the other.
#[pyclass(module = "surehop._core")]
#[derive(Debug)]
// The mutex is never locked: Python lends a digest to one thread at a time, and this is how Rust knows.
pub(crate) struct Digest(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    digest: surehop_capture::Digest,
    reading: Option<Source>,
}

impl Inner {
    fn reading(&mut self) -> PyResult<(&mut Source, &mut surehop_capture::Digest)> {
        let reading = self.reading.as_mut().ok_or_else(none_begun)?;
        Ok((reading, &mut self.digest))
    }
}

impl Digest {
    fn inner(&mut self) -> &mut Inner {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Digest {
    #[new]
    #[pyo3(signature = (rows = false))]
    fn new(rows: bool) -> Self {
        let digest = if rows {
            surehop_capture::Digest::with_rows()
        } else {
            surehop_capture::Digest::default()
        };
        Self(Mutex::new(Inner {
            digest,
            reading: None,
        }))
    }

    /// Begins with a log, of the kind that its head shows.
    #[allow(clippy::needless_pass_by_value)] // as above
    fn begin(&mut self, name: &str, head: &[u8], formats: Vec<Vec<u8>>) -> PyResult<()> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let source = Source::new(name, head, &formats, threads);
        let unknown = || PyValueError::new_err(format!("`{name}` is nothing that is known"));
        self.inner().reading = Some(source.ok_or_else(unknown)?);
        Ok(())
    }

    /// Takes the next bytes of the log.
    fn feed(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let (reading, digest) = self.inner().reading()?;
        py.detach(|| {
            let mut data = data;
            while reading.turn(digest, &mut data, usize::MAX)? {}
            Ok(())
        })
    }

    /// Reads on from a descriptor, about `limit` bytes; whether there may be more.
    fn turn(&mut self, py: Python<'_>, descriptor: i32, limit: usize) -> PyResult<bool> {
        let (reading, digest) = self.inner().reading()?;
        let file = surehop_hop::descriptor::duplicate(descriptor).map_err(io::Error::from)?;
        let mut file = File::from(file);
        Ok(py.detach(|| reading.turn(digest, &mut file, limit))?)
    }

    /// Ends the log.
    fn end(&mut self) -> PyResult<()> {
        let inner = self.inner();
        let reading = inner.reading.take().ok_or_else(none_begun)?;
        reading.finish(&mut inner.digest);
        Ok(())
    }

    /// The failed tries since it was asked last.
    fn rows<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner().digest.rows())
    }

    /// Takes in what another digest gave as JSON.
    fn merge(&mut self, json: &[u8]) -> PyResult<()> {
        self.inner()
            .digest
            .merge(json)
            .map_err(PyValueError::new_err)
    }

    /// All that was told.
    fn json<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let json = self.inner().digest.to_json();
        json.map(|json| PyBytes::new(py, &json))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

fn none_begun() -> PyErr {
    PyValueError::new_err("no log is being read")
}
