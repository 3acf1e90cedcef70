//! The client's transport, as Python sees it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};
use surehop_client::{
    Answer as Heard, Event, Flags, Op, Order, Payload, Question, Report, Shared, Terms as Agreed,
    Waited, plan,
};
use surehop_hop::socket::Address;
use surehop_hop::tls::{Config, Material};

/// Bytes that Python holds, sent as they are.
struct Lent(PyBackedBytes);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// How TLS is spoken.
#[pyclass(frozen, module = "surehop._core")]
pub(crate) struct Tls(Arc<Config>);

#[pymethods]
impl Tls {
    #[new]
    #[allow(clippy::needless_pass_by_value)] // what is made of Python's values is ours
    fn new(
        py: Python<'_>,
        verify: bool,
        roots: Option<Vec<Vec<u8>>>,
        chain: Option<Vec<u8>>,
        key: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let config = py.detach(|| {
            Config::new(&Material {
                verify,
                roots: roots.as_deref(),
                chain: chain.as_deref(),
                key: key.as_deref(),
            })
        });
        match config {
            Ok(config) => Ok(Self(Arc::new(config))),
            Err(unusable) => Err(PyValueError::new_err(unusable.0)),
        }
    }
}

/// The terms of a request.
#[pyclass(frozen, module = "surehop._core")]
pub(crate) struct Terms(Arc<Agreed>);

#[pymethods]
impl Terms {
    #[new]
    fn new(plan: &[u8]) -> PyResult<Self> {
        let plan = plan::Terms::read(plan).map_err(PyValueError::new_err)?;
        let policy = plan.policy().map_err(PyValueError::new_err)?;
        Ok(Self(Arc::new(Agreed { plan, policy })))
    }
}

/// An answer: its head, and its body unless that is read piece by piece.
#[pyclass(frozen, module = "surehop._core")]
pub(crate) struct Answer(Heard);

#[pymethods]
impl Answer {
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.reason.of(&self.0.head))
    }

    #[getter]
    fn version(&self) -> &'static str {
        if self.0.old { "HTTP/1.0" } else { "HTTP/1.1" }
    }

    /// Name and value of every header line, as they came.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let head = &self.0.head;
        let line = |(name, value): &(surehop_wire::Span, surehop_wire::Span)| {
            (
                PyBytes::new(py, name.of(head)),
                PyBytes::new(py, value.of(head)),
            )
        };
        PyList::new(py, self.0.lines.iter().map(line))
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.body.as_ref().map(|body| PyBytes::new(py, body))
    }

    #[getter]
    fn marks(&self) -> u32 {
        self.0.marks
    }

    /// Seconds from the order to the end of the answer, or of its head.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed as f64 / 1e6
    }

    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        told(py, &self.0.report)
    }
}

/// No answer, or no more of one.
#[pyclass(frozen, module = "surehop._core")]
pub(crate) struct Failure(Report);

#[pymethods]
impl Failure {
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        told(py, &self.0)
    }
}

/// Whether to try again is asked.
#[pyclass(frozen, module = "surehop._core")]
pub(crate) struct Ask {
    #[pyo3(get)]
    answer: Option<Py<Answer>>,
    #[pyo3(get)]
    count: u32,
    #[pyo3(get)]
    delay: u64,
    report: Report,
}

#[pymethods]
impl Ask {
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        told(py, &self.report)
    }
}

/// The addresses of a name are asked for.
#[pyclass(frozen, get_all, module = "surehop._core")]
pub(crate) struct Resolve {
    host: String,
    port: u16,
}

/// More of the body is asked for.
#[pyclass(frozen, get_all, module = "surehop._core")]
pub(crate) struct Feed {
    restart: bool,
}

fn told<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let last = report.attempts.last();
    dict.set_item("name", &report.names.target)?;
    dict.set_item("phase", last.map(|a| a.phase.word()))?;
    dict.set_item(
        "cause",
        last.and_then(|a| a.cause).map(surehop_engine::Cause::word),
    )?;
    dict.set_item("reason", last.map(|a| a.reason.word()))?;
    dict.set_item("rule", last.map(|a| a.rule.word()))?;
    dict.set_item("errno", last.map_or(0, |a| a.errno))?;
    dict.set_item("error", &report.error)?;
    dict.set_item("timeout", report.timeout)?;
    let attempts = PyList::empty(py);
    for at in 0..report.attempts.len() {
        attempts.append(attempt(py, report, at)?)?;
    }
    dict.set_item("attempts", attempts)?;
    Ok(dict)
}

fn attempt<'py>(py: Python<'py>, report: &Report, at: usize) -> PyResult<Bound<'py, PyDict>> {
    let (dict, a) = (PyDict::new(py), &report.attempts[at]);
    let ends = report.ends_of(at);
    dict.set_item("address", report.peer_of(a))?;
    dict.set_item("family", ends.map(|ends| ends.remote.family()))?;
    dict.set_item("reused", a.reused)?;
    dict.set_item("age_ms", a.age)?;
    dict.set_item("idle_ms", a.idle)?;
    dict.set_item("requests", a.requests)?;
    dict.set_item("hint_ms", a.hint)?;
    dict.set_item("bytes_sent", a.sent)?;
    dict.set_item("bytes_received", a.received)?;
    dict.set_item("errno", a.errno)?;
    dict.set_item("phase", a.phase.word())?;
    dict.set_item("cause", a.cause.map(surehop_engine::Cause::word))?;
    dict.set_item("reason", a.reason.word())?;
    dict.set_item("verdict", a.verdict.word())?;
    dict.set_item("rule", a.rule.word())?;
    // The engine has nginx's word for a try without an answer (502, 504), which nobody sent.
    let status = a.header_time.is_some().then_some(a.status);
    dict.set_item("status", status.filter(|&status| status > 0))?;
    dict.set_item("connect_ms", a.connect_time)?;
    dict.set_item("head_ms", a.header_time)?;
    dict.set_item("took_ms", a.response_time)?;
    let first = report.attempts[0].started;
    dict.set_item("after_ms", a.started.saturating_sub(first))?;
    let local = ends.and_then(|ends| ends.local.as_ref());
    dict.set_item("local", local.map(ToString::to_string))?;
    dict.set_item("remote", ends.map(|ends| ends.remote.to_string()))?;
    let connected = a.connect_time.is_some();
    let closed = match a.cause.filter(|_| connected) {
        Some(surehop_engine::Cause::Closed) => Some("fin"),
        Some(surehop_engine::Cause::Reset) => Some("rst"),
        _ => None,
    };
    dict.set_item("closed", closed)?;
    let addresses = PyList::empty(py);
    for contact in report.contacts.iter().filter(|contact| contact.at == at) {
        let tried = PyDict::new(py);
        tried.set_item("address", contact.address.to_string())?;
        tried.set_item("family", contact.address.family())?;
        tried.set_item(
            "result",
            contact.cause.map_or("ok", surehop_engine::Cause::word),
        )?;
        tried.set_item("errno", contact.errno)?;
        tried.set_item("took_ms", contact.took)?;
        addresses.append(tried)?;
    }
    dict.set_item("addresses", addresses)?;
    Ok(dict)
}

fn shown(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    Ok(match event {
        Event::Answer(answer) => Py::new(py, Answer(*answer))?.into_any(),
        Event::Failed(report) => Py::new(py, Failure(*report))?.into_any(),
        Event::Chunk(bytes) => PyBytes::new(py, &bytes).into_any().unbind(),
        Event::End => PyBytes::new(py, b"").into_any().unbind(),
        Event::Question(Question::Resolve { host, port }) => {
            Py::new(py, Resolve { host, port })?.into_any()
        }
        Event::Question(Question::Feed { restart }) => Py::new(py, Feed { restart })?.into_any(),
        Event::Question(Question::Ask {
            answer,
            count,
            delay,
            report,
        }) => {
            let answer = answer
                .map(|answer| Py::new(py, Answer(*answer)))
                .transpose()?;
            let ask = Ask {
                answer,
                count,
                delay,
                report: *report,
            };
            Py::new(py, ask)?.into_any()
        }
    })
}

/// The connections of one client.
#[pyclass(frozen, weakref, module = "surehop._core")]
pub(crate) struct Transport(Shared);

#[pymethods]
impl Transport {
    #[new]
    fn new(plan: &[u8]) -> PyResult<Self> {
        let seed = RandomState::new().hash_one(0);
        Shared::new(plan, seed)
            .map(Self)
            .map_err(PyValueError::new_err)
    }

    fn target(
        &self,
        plan: &[u8],
        tls: Option<&Bound<'_, Tls>>,
        proxy_tls: Option<&Bound<'_, Tls>>,
    ) -> PyResult<u64> {
        let of = |tls: Option<&Bound<'_, Tls>>| tls.map(|tls| tls.get().0.clone());
        self.0
            .target(plan, of(tls), of(proxy_tls))
            .map_err(PyValueError::new_err)
    }

    fn forget(&self, target: u64) {
        self.0.order(Op::Forget(target));
    }

    #[allow(clippy::too_many_arguments)] // one call on the hot path, not six
    fn send(
        &self,
        target: u64,
        terms: &Bound<'_, Terms>,
        flags: u32,
        line: Vec<u8>,
        rest: Vec<u8>,
        body: Option<PyBackedBytes>,
    ) -> u64 {
        self.0.send(Order {
            target,
            terms: terms.get().0.clone(),
            flags: Flags(flags),
            line,
            rest,
            body: body.map(|body| Box::new(Lent(body)) as Payload),
        })
    }

    #[pyo3(signature = (ticket, chunk))]
    fn feed(&self, ticket: u64, chunk: Option<PyBackedBytes>) {
        let chunk = chunk.map(|chunk| Box::new(Lent(chunk)) as Payload);
        self.0.order(Op::Feed(ticket, chunk));
    }

    #[pyo3(signature = (ticket, addresses, error))]
    #[allow(clippy::needless_pass_by_value)] // the same
    fn resolved(&self, ticket: u64, addresses: Vec<String>, error: Option<String>) -> PyResult<()> {
        let read = |text: &String| {
            Address::parse(text)
                .ok_or_else(|| PyValueError::new_err(format!("`{text}` is no address with a port")))
        };
        let found = match error {
            Some(code) => Err(code),
            None => Ok(addresses.iter().map(read).collect::<PyResult<_>>()?),
        };
        self.0.order(Op::Resolved(ticket, found));
        Ok(())
    }

    #[pyo3(signature = (ticket, again, delay))]
    fn answer(&self, ticket: u64, again: bool, delay: Option<u64>) {
        self.0.order(Op::Answered(ticket, again, delay));
    }

    fn read(&self, ticket: u64) {
        self.0.order(Op::Read(ticket));
    }

    fn cancel(&self, ticket: u64) {
        self.0.cancel(ticket);
    }

    fn take(&self, py: Python<'_>, ticket: u64) -> PyResult<Option<Py<PyAny>>> {
        self.0
            .take(ticket)
            .map(|event| shown(py, event))
            .transpose()
    }

    fn turn(&self, py: Python<'_>) -> PyResult<Vec<(u64, Py<PyAny>)>> {
        let events = self.0.turn().into_iter();
        events
            .map(|(ticket, event)| Ok((ticket, shown(py, event)?)))
            .collect()
    }

    fn wait(&self, py: Python<'_>, ticket: u64) -> PyResult<Py<PyAny>> {
        loop {
            match py.detach(|| self.0.wait(ticket)) {
                Waited::Event(event) => return shown(py, event),
                Waited::Nothing => py.check_signals()?,
                Waited::Closed => {
                    return Err(PyRuntimeError::new_err("the transport is closed"));
                }
            }
        }
    }

    #[getter]
    fn due(&self) -> bool {
        self.0.due()
    }

    fn fileno(&self) -> i32 {
        self.0.fd()
    }

    fn timeout(&self) -> Option<f64> {
        self.0.due_in().map(|time| time.as_secs_f64())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.0.stats().unwrap_or_default();
        let dict = PyDict::new(py);
        dict.set_item("requests", stats.requests)?;
        dict.set_item("connections", stats.connections)?;
        dict.set_item("idle", stats.idle)?;
        dict.set_item("waiting", stats.waiting)?;
        Ok(dict)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn suspend(&self, py: Python<'_>) {
        py.detach(|| self.0.suspend());
    }

    fn resume(&self) {
        self.0.resume();
    }

    fn abandon(&self) {
        self.0.abandon();
    }
}
