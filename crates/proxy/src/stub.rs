//! `stub_status`: nginx's page of numbers.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use surehop_wire::request::Method;

use crate::answer;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::phases::{self, Outcome};
use crate::worker::Worker;

/// Answers with the page.
pub async fn give(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> Outcome {
    if !matches!(ex.head.method, Method::Get | Method::Head) {
        return Outcome::Status(405);
    }
    phases::settle(worker, client, ex).await;
    let shared = &worker.shared;
    let active = shared.clients.load(Ordering::Relaxed);
    let accepted = shared.connections.load(Ordering::Relaxed);
    let requests = shared.requests.load(Ordering::Relaxed) + 1;
    let body = format!(
        "Active connections: {active} \nserver accepts handled requests\n \
         {accepted} {accepted} {requests} \nReading: {} Writing: {} Waiting: {} \n",
        0, 1, 0
    );
    answer::give(worker, client, ex, 200, (b"text/plain", body.as_bytes())).await
}
