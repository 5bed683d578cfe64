//! The loop around a request: wait for the pace, try, and try again where that helps.

use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, Span, debug, debug_span, field, warn};

use crate::{
    error::{Error, Fault},
    request::{Repeat, Request, Response},
};

impl Request {
    /// Sends the request, reads the answer with `read`, and repeats both as far as allowed.
    pub(crate) async fn run<T>(
        self,
        read: impl FnMut(Response) -> Result<T, serde_json::Error>,
    ) -> Result<T, Error> {
        let span = debug_span!(
            "transport.send",
            operation = self.operation,
            http.method = self.method.as_str(),
            http.path = self.url.path(),
            http.status = field::Empty,
            attempt = field::Empty,
            duration_ms = field::Empty,
        );
        self.try_until_done(read).instrument(span).await
    }

    async fn try_until_done<T>(
        self,
        mut read: impl FnMut(Response) -> Result<T, serde_json::Error>,
    ) -> Result<T, Error> {
        let shared = &self.client.shared;
        let started = Instant::now();
        let mut delays = shared.retry.delays();
        let mut throttle_delays = shared.retry.endless_delays();
        let mut throttled_since = None;
        let mut attempts = 0;
        let mut may_have_arrived = false;
        loop {
            shared.pace.ready().await;
            attempts += 1;
            shared.counters.count_sent(attempts > 1);
            let answer = self.attempt().await;
            let status = answer
                .as_ref()
                .map_or_else(Fault::status, |response| Some(response.status));
            shared.counters.count_answer(status);
            record(attempts, status, started);

            let result = answer.and_then(|response| read(response).map_err(Fault::NotJson));
            let fault = match result {
                Ok(value) => {
                    if attempts > 1 {
                        let elapsed = started.elapsed().as_millis();
                        warn!(
                            attempts,
                            elapsed_ms = elapsed,
                            "A request succeeded when repeated"
                        );
                    }
                    return Ok(value);
                }
                Err(fault) => fault,
            };
            may_have_arrived |= fault.may_have_arrived();
            debug!(attempt = attempts, fault = fault.name(), "A try failed");

            let delay = if fault.is_throttled() {
                // A 429 costs time, not one of the tries: nobody looked at the request.
                let since = *throttled_since.get_or_insert_with(Instant::now);
                let own = throttle_delays.next();
                let delay = fault.retry_after().or(own).unwrap_or(shared.retry.longest);
                Some(delay.min(shared.retry.longest))
                    .filter(|delay| since.elapsed() + *delay <= shared.retry.patience)
            } else if fault.is_transient() && self.may_repeat(&fault) {
                delays
                    .next()
                    .map(|own| fault.retry_after().unwrap_or(own).min(shared.retry.longest))
            } else {
                None
            };
            let Some(delay) = delay else {
                return Err(Error::new(
                    self.operation,
                    attempts,
                    started.elapsed(),
                    may_have_arrived,
                    fault,
                ));
            };
            if fault.is_throttled() {
                // The next turn of this loop waits for the pace, as every other request does.
                if shared.pace.hold(delay) {
                    let delay = delay.as_millis();
                    warn!(
                        delay_ms = delay,
                        "The system asks to slow down, so requests are held back"
                    );
                }
            } else {
                sleep(delay).await;
            }
        }
    }

    fn may_repeat(&self, fault: &Fault) -> bool {
        self.repeat == Repeat::Harmless || !fault.may_have_arrived()
    }
}

/// Notes the latest try on the span of the request.
fn record(attempts: u32, status: Option<http::StatusCode>, started: Instant) {
    let span = Span::current();
    span.record("attempt", attempts);
    if let Some(status) = status {
        span.record("http.status", status.as_u16());
    }
    span.record("duration_ms", field::display(started.elapsed().as_millis()));
}
