//! The native module surehop._core: convert, wrap, map errors.

mod capture;
mod client;
mod decoder;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// The engine's vocabulary: for each enum its name and, for each variant, the word and its meaning.
#[pyfunction]
fn vocabulary() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    surehop_engine::vocabulary()
        .iter()
        .map(|(name, words)| (*name, words.to_vec()))
        .collect()
}

/// Reads a plan (JSON) as the data process would; a `ValueError` says what in it can't be run.
#[pyfunction]
fn check_plan(json: &[u8]) -> PyResult<()> {
    surehop_proxy::control::read(json)
        .map(drop)
        .map_err(PyValueError::new_err)
}

/// Compiles a regular expression as the data process would; a `ValueError` says what is wrong with it.
#[pyfunction]
fn check_regex(pattern: &[u8], caseless: bool) -> PyResult<()> {
    surehop_proxy::script::compile(pattern, caseless)
        .map(drop)
        .map_err(PyValueError::new_err)
}

/// The variables that log formats and header values may use; those of a family end in `_`.
#[pyfunction]
fn variables() -> Vec<&'static str> {
    surehop_proxy::template::names().collect()
}

/// Runs the data process on the control socket, which it takes over; returns when it is told to stop.
#[pyfunction]
fn serve(py: Python<'_>, control: i32) -> PyResult<()> {
    let control = surehop_hop::descriptor::duplicate(control)
        .map_err(|e| PyValueError::new_err(format!("descriptor {control}: {e}")))?;
    py.detach(|| surehop_proxy::control::serve(control))
        .map_err(PyRuntimeError::new_err)
}

/// The native module.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(vocabulary, module)?)?;
    module.add_function(wrap_pyfunction!(check_plan, module)?)?;
    module.add_function(wrap_pyfunction!(check_regex, module)?)?;
    module.add_function(wrap_pyfunction!(variables, module)?)?;
    module.add_function(wrap_pyfunction!(serve, module)?)?;
    module.add_function(wrap_pyfunction!(capture::log_kind, module)?)?;
    module.add_class::<capture::Digest>()?;
    module.add_class::<decoder::Decoder>()?;
    module.add_class::<client::Tls>()?;
    module.add_class::<client::Terms>()?;
    module.add_class::<client::Transport>()?;
    module.add_class::<client::Answer>()?;
    module.add_class::<client::Failure>()?;
    module.add_class::<client::Ask>()?;
    module.add_class::<client::Resolve>()?;
    module.add_class::<client::Feed>()?;
    Ok(())
}
