//! The simulator's own interface, for users and tests in other processes.
//!
//! Below `/_simulator/`: `POST faults` orders a [`Fault`], `DELETE faults` takes all back; `GET requests`,
//! `writes`, `violations`, `portions`, `people`, `users` look; `DELETE requests` forgets; `PATCH users/{id}`
//! and `people/{id}` set fields, `DELETE` removes, `PUT users` replaces all, `POST people` adds one;
//! `POST cancel` with `{"after_batches":1}` presses Cancel, `POST drops` takes a [`BulkDrop`], `POST settle`
//! applies what is finalized.

use axum::extract::{Path, State};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::control::Control;
use crate::faults::{Fault, FaultId};
use crate::oomnitza::PortionState;
use crate::options::BulkDrop;
use crate::recording::Recorded;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    after_batches: usize,
}

pub(crate) fn app(control: Control) -> Router {
    let below = Router::new()
        .route("/faults", post(order).delete(clear_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/writes", get(writes))
        .route("/violations", get(violations))
        .route("/portions", get(portions))
        .route("/people", get(people).post(add_person))
        .route("/people/{id}", patch(edit_person).delete(remove_person))
        .route("/users", put(set_users).get(users))
        .route("/users/{id}", patch(edit_user).delete(remove_user))
        .route("/cancel", post(cancel))
        .route("/drops", post(drop_in_bulk))
        .route("/settle", post(settle));
    Router::new().nest("/_simulator", below).with_state(control)
}

async fn order(State(control): State<Control>, Json(fault): Json<Fault>) -> Json<FaultId> {
    Json(control.order(fault))
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.clear_faults();
    StatusCode::NO_CONTENT
}

async fn requests(State(control): State<Control>) -> Json<Vec<Recorded>> {
    Json(control.requests())
}

async fn clear_requests(State(control): State<Control>) -> StatusCode {
    control.clear_requests();
    StatusCode::NO_CONTENT
}

async fn writes(State(control): State<Control>) -> Json<Vec<Recorded>> {
    Json(control.writes())
}

async fn violations(State(control): State<Control>) -> Json<Vec<String>> {
    Json(control.violations())
}

async fn portions(State(control): State<Control>) -> Json<Vec<PortionState>> {
    Json(control.portions())
}

async fn people(State(control): State<Control>) -> Json<Vec<Value>> {
    Json(control.people())
}

async fn add_person(State(control): State<Control>, Json(person): Json<Value>) -> StatusCode {
    control.add_person(&person);
    StatusCode::NO_CONTENT
}

async fn edit_person(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(changes): Json<Value>,
) -> StatusCode {
    found(control.edit_person(&id, &changes))
}

async fn remove_person(State(control): State<Control>, Path(id): Path<String>) -> StatusCode {
    found(control.remove_person(&id))
}

async fn users(State(control): State<Control>) -> Json<Vec<Value>> {
    Json(control.users())
}

async fn set_users(State(control): State<Control>, Json(users): Json<Vec<Value>>) -> StatusCode {
    control.set_users(&users);
    StatusCode::NO_CONTENT
}

async fn edit_user(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(changes): Json<Value>,
) -> StatusCode {
    found(control.edit_user(&id, &changes))
}

async fn remove_user(State(control): State<Control>, Path(id): Path<String>) -> StatusCode {
    found(control.remove_user(&id))
}

async fn cancel(State(control): State<Control>, Json(cancel): Json<Cancel>) -> StatusCode {
    control.cancel_portion(cancel.after_batches);
    StatusCode::NO_CONTENT
}

async fn drop_in_bulk(State(control): State<Control>, Json(drop): Json<BulkDrop>) -> StatusCode {
    control.drop_in_bulk(drop);
    StatusCode::NO_CONTENT
}

async fn settle(State(control): State<Control>) -> StatusCode {
    control.settle();
    StatusCode::NO_CONTENT
}

fn found(found: bool) -> StatusCode {
    if found {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}
