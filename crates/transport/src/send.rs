//! The loop around a request: wait for the pace, try, and try again where that helps.

use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, Span, debug, debug_span, field, warn};

use crate::{
    error::{Error, Fault},
    pace::passes,
    request::{Request, Response},
    retry::{Progress, Wait},
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
        let (shared, stopped) = (&self.client.shared, &self.client.stopped);
        let started = Instant::now();
        let mut progress = Progress::new(shared.retry);
        let mut attempts = 0;
        let mut may_have_arrived = false;
        let mut last = Fault::Stopped;
        let give_up = |attempts, may_have_arrived, fault| {
            let elapsed = started.elapsed();
            Error::new(self.operation, attempts, elapsed, may_have_arrived, fault)
        };
        loop {
            if !shared.pace.ready(stopped, self.stopping).await {
                return Err(give_up(attempts, may_have_arrived, last));
            }
            attempts += 1;
            shared.counters.count_sent(attempts > 1);
            if attempts > 1 {
                shared.meter.count_retry();
            }
            let answer = self.attempt().await;
            let status = match &answer {
                Ok(response) => Some(response.status),
                Err(fault) => fault.status(),
            };
            shared.counters.count_answer(status);
            shared.meter.count_answer(status);
            record(attempts, status, started);

            let fault = match answer.and_then(|response| read(response).map_err(Fault::not_json)) {
                Ok(value) => {
                    if attempts > 1 {
                        let duration_ms = started.elapsed().as_millis();
                        warn!(attempts, duration_ms, "A request succeeded when repeated");
                    }
                    return Ok(value);
                }
                Err(fault) => fault,
            };
            debug!(attempt = attempts, fault = fault.name(), "A try failed");
            may_have_arrived |= fault.may_have_arrived();
            match progress.wait_after(&fault, self.repeat) {
                Some(Wait::Alone(delay)) => {
                    if !passes(sleep(delay), stopped).await {
                        return Err(give_up(attempts, may_have_arrived, fault));
                    }
                }
                // The next turn of this loop waits for the pace, as every other request does.
                Some(Wait::Everyone(delay)) => {
                    if shared.pace.hold(delay) {
                        let delay_ms = delay.as_millis();
                        warn!(
                            delay_ms,
                            "The system asks to slow down, so requests are held back"
                        );
                    }
                    last = fault;
                }
                None => return Err(give_up(attempts, may_have_arrived, fault)),
            }
        }
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
