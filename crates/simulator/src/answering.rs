//! The way of a call: received, met by a fault or not, answered by its system, recorded, sent back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::exchange::{Answer, Asked};
use crate::faults::Effect;
use crate::line::Breaker;
use crate::recording::System;
use crate::shared::{Shared, error_body, lock};
use crate::{oomnitza, sentinelone};

/// No body is longer: the largest are batches of 100 records.
const LONGEST_BODY: usize = 64 << 20;

pub(crate) async fn handle(
    State((shared, system)): State<(Arc<Shared>, System)>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // A body that ends early is a call that was given up.
    let body = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked {
        system,
        method: head.method,
        path: decoded(head.uri.path()),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: head.headers,
        body,
    };
    if !shared.options.latency.is_zero() {
        tokio::time::sleep(shared.options.latency).await;
    }
    let (answer, ending) = if shared.is_too_fast(system) {
        (too_many(Some("1")), Ending::Whole)
    } else {
        let effect = lock(&shared.faults).take(&asked);
        meet(&shared, &asked, effect)
    };
    let status = match ending {
        Ending::Held | Ending::Reset => None,
        Ending::Whole | Ending::Cut | Ending::Late(_) => Some(answer.status.as_u16()),
    };
    let token = shared.token_of(&asked);
    lock(&shared.recording).call(&asked, token, status);
    match ending {
        Ending::Whole => {}
        Ending::Late(delay) => tokio::time::sleep(delay).await,
        Ending::Cut => breaker.cut_after(answer.body.len() / 2),
        Ending::Reset => breaker.reset(),
        Ending::Held => std::future::pending::<()>().await,
    }
    respond(answer)
}

/// How an answer reaches the caller.
enum Ending {
    Whole,
    Late(Duration),
    /// The connection ends in the middle.
    Cut,
    /// The connection is reset before it.
    Reset,
    /// Nothing comes until the caller gives up.
    Held,
}

/// Lets a call meet the fault that was ordered for it, if any.
fn meet(shared: &Shared, asked: &Asked, effect: Option<Effect>) -> (Answer, Ending) {
    let Some(effect) = effect else {
        return (shared.answer(asked, None), Ending::Whole);
    };
    let done = || shared.answer(asked, Some(&effect));
    let lost = || {
        let answer = done();
        if asked.system == System::Oomnitza && answer.status.is_success() {
            lock(&shared.instance).lose_answer(asked);
        }
        answer
    };
    let nothing = || Answer::text(Bytes::new());
    let bad_gateway = || Answer::html(StatusCode::BAD_GATEWAY, "502 Bad Gateway");
    match &effect {
        Effect::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (
                error_body(asked.system, status, "a fault was ordered"),
                Ending::Whole,
            )
        }
        Effect::Refuse { status, message } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
            (error_body(asked.system, status, message), Ending::Whole)
        }
        Effect::TooMany { retry_after } => (too_many(retry_after.as_deref()), Ending::Whole),
        Effect::BadGatewayHtml => (bad_gateway(), Ending::Whole),
        Effect::BadGatewayAfterApplying => {
            lost();
            (bad_gateway(), Ending::Whole)
        }
        Effect::TimeOut => (nothing(), Ending::Held),
        Effect::TimeOutAfterApplying => (lost(), Ending::Held),
        Effect::Reset => (nothing(), Ending::Reset),
        Effect::ResetAfterApplying => (lost(), Ending::Reset),
        Effect::TruncatedJson => {
            let mut answer = lost();
            answer.body.truncate(answer.body.len() / 2);
            (answer, Ending::Whole)
        }
        Effect::EmptyAnswer => {
            done();
            (Answer::text(Bytes::from_static(b"{}")), Ending::Whole)
        }
        Effect::CutBody => (lost(), Ending::Cut),
        Effect::HtmlPage => {
            lost();
            (Answer::html(StatusCode::OK, "Sign in"), Ending::Whole)
        }
        Effect::ErrorInSuccess { message } => {
            let answer = match asked.system {
                System::SentinelOne => sentinelone::error_in_success(message),
                System::Oomnitza => oomnitza::error_in_success(message),
            };
            (answer, Ending::Whole)
        }
        Effect::Slow { delay } => (done(), Ending::Late(*delay)),
        Effect::WrongDate { seconds } => {
            let shown = Timestamp::now() + SignedDuration::from_secs(*seconds);
            let date = shown.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            (done().with_header("date", date), Ending::Whole)
        }
        Effect::ExpiredCursor => {
            let words = "the cursor has expired";
            (
                error_body(asked.system, StatusCode::BAD_REQUEST, words),
                Ending::Whole,
            )
        }
        Effect::RepeatedCursor
        | Effect::EmptyPage
        | Effect::ShortTotal { .. }
        | Effect::ZeroTotal
        | Effect::NoTotal
        | Effect::DuplicateRows { .. }
        | Effect::LostRows { .. } => (done(), Ending::Whole),
    }
}

fn too_many(retry_after: Option<&str>) -> Answer {
    let answer = Answer::html(StatusCode::TOO_MANY_REQUESTS, "429 Too Many Requests");
    match retry_after {
        Some(value) => answer.with_header("retry-after", value.to_owned()),
        None => answer,
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap_or_else(|_| {
        // Only an ordered Retry-After can be no header value.
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status;
        response
    })
}

/// A path with its percent signs resolved.
fn decoded(path: &str) -> String {
    // As in a form, except that a plus stands for itself.
    let encoded = path.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(encoded.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(path, _)| path.into_owned())
}
