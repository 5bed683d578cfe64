//! Conversations with a SentinelOne console.

use std::collections::HashSet;

use http::Method;
use sentinelone::{
    Client, Completeness, Error, Event, Malformed, User, UserFilter, UserId, UserPage,
};
use serde_json::{Value, value::RawValue};

use super::{Conversation, Peer, within_time};
use crate::told::{assert_tellable, assert_words};

/// Whatever a console answers, each call ends, and with what the answer says or an error that can be told.
///
/// A listing gives no user twice, and says when it is short; a user who cannot be read fails alone; nothing is changed.
/// For the form of an input see the module `answers`.
///
/// # Panics
///
/// Where that does not hold.
pub fn sentinelone(data: &[u8]) {
    let conversation = Conversation::read(data);
    let peer = conversation.begin();
    let console = Client::new(peer.client.clone());
    let id = UserId::try_from("225494730938493804").expect("it is an id");
    match conversation.call.as_str() {
        "users_by_email" => {
            let found =
                within_time(console.users_by_email(&UserFilter::default(), "Aoife@acme.com "));
            for user in tellable(found).unwrap_or_default() {
                if let Some(user) = readable(&user) {
                    let email = user.email.as_deref().unwrap_or_default();
                    assert_eq!(email.trim().to_lowercase(), "aoife@acme.com");
                }
            }
        }
        "user" => {
            if let Some(user) = tellable(within_time(console.user(&id))).flatten() {
                assert_user(&user);
            }
        }
        "own_user" => {
            if let Some(user) = tellable(within_time(console.own_user())) {
                assert_user(&user);
            }
        }
        "system_info" => drop(tellable(within_time(console.system_info()))),
        "token_details" => drop(tellable(within_time(console.token_details()))),
        "own_token" => drop(tellable(within_time(console.own_token()))),
        "roles" => {
            let roles = tellable(within_time(console.roles())).flatten();
            for role in roles.unwrap_or_default() {
                assert!(!role.id.is_empty() && !role.name.is_empty(), "{role:?}");
            }
        }
        _ => users(&console, &conversation),
    }
    assert_nothing_changed(&peer);
}

/// The value of a call, unless it is an error, which must be one that can be told.
fn tellable<T>(answer: Result<T, Error>) -> Option<T> {
    answer.inspect_err(|error| assert_tellable(error)).ok()
}

/// The console is asked, and never told to do anything: one POST is a question.
fn assert_nothing_changed(peer: &Peer) {
    for (method, path) in peer.asked() {
        let asks = method == Method::GET || path.ends_with("/users/api-token-details");
        assert!(asks && path.starts_with("/api/"), "{method} {path}");
    }
}

/// Reads a listing to its end.
fn users(console: &Client, conversation: &Conversation) {
    let mut pages = console.users(&UserFilter::default());
    let mut ids = HashSet::new();
    let (mut came, mut restarts, mut is_first) = (0, 0, true);
    loop {
        match within_time(pages.next()) {
            Ok(Some(Event::Page(page))) => {
                assert_eq!(page_of(&page, &mut ids), page.users.len());
                came += page.users.len() as u64;
                if is_first {
                    assert_holds_all(&page, conversation.answers[0].body());
                }
            }
            Ok(Some(Event::Restarted)) => {
                restarts += 1;
                came = 0;
                ids.clear();
            }
            Ok(None) => break,
            Err(error) => return assert_tellable(&error),
        }
        is_first = false;
    }
    assert!(restarts <= 1, "it was begun anew {restarts} times");
    assert_eq!(pages.distinct(), came);
    let is_short = pages.promised().is_some_and(|promised| came < promised);
    assert_eq!(pages.completeness() != Completeness::Complete, is_short);
}

/// How many users of a page have not come before.
fn page_of(page: &UserPage, ids: &mut HashSet<String>) -> usize {
    let is_new = |user: &&Result<User, Malformed>| match readable(user) {
        Some(user) => ids.insert(user.id.as_str().to_owned()),
        None => true,
    };
    page.users.iter().filter(is_new).count()
}

/// A user, unless it cannot be read, which is then told.
fn readable(user: &Result<User, Malformed>) -> Option<&User> {
    match user {
        Ok(user) => {
            assert_user(user);
            Some(user)
        }
        Err(malformed) => {
            assert!(!malformed.message.is_empty());
            assert_words(&malformed.message);
            None
        }
    }
}

/// A user is what its JSON says.
fn assert_user(user: &User) {
    let json: Value = match serde_json::from_str(user.json()) {
        Ok(json) => json,
        // Half a surrogate pair is JSON by its grammar; who reads that field finds no text.
        Err(_) if user.json().contains("\\ud") || user.json().contains("\\uD") => return,
        Err(error) => panic!("a user is JSON: {error}"),
    };
    assert!(json.is_object(), "a user is an object");
    assert!(!user.id.as_str().trim().is_empty(), "a user has an id");
    let is_told_once = user.json().matches("email").count() <= 1;
    if is_told_once && let Some(email) = &user.email {
        assert_eq!(json["email"], **email);
    }
    let roles = json["scopeRoles"].as_array().map_or(0, Vec::len);
    if user.json().matches("scopeRoles").count() <= 1 {
        assert_eq!(user.scope_roles().len(), roles);
    }
}

/// Every element of a first page whose own fields are plain was read, whatever its neighbours are.
fn assert_holds_all(page: &UserPage, body: &[u8]) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let listed = body["data"].as_array().map(Vec::as_slice);
    let mut ids = HashSet::new();
    for element in listed.unwrap_or_default() {
        // A key that is not as it is read may stand there twice.
        let is_plain = |name: &str| {
            matches!(
                element.get(name),
                None | Some(Value::String(_) | Value::Null)
            )
        };
        let id = element["id"].as_str().filter(|id| !id.trim().is_empty());
        let Some(id) =
            id.filter(|_| is_plain("email") && is_plain("fullName") && is_plain("scopeRoles"))
        else {
            continue;
        };
        if element["scopeRoles"].is_string() || !ids.insert(id.to_owned()) {
            continue;
        }
        let is_there = page.users.iter().any(|user| match user {
            Ok(user) => user.id.as_str() == id,
            // The same user came before, and could not be read; or it is written twice in one, or too deep.
            Err(malformed) => {
                let is_it = malformed
                    .id
                    .as_ref()
                    .is_some_and(|known| known.as_str() == id);
                is_it || is_doubled(&malformed.json) || malformed.message.contains("nested")
            }
        });
        assert!(is_there, "user {id} is missing from its page");
    }
}

/// Whether JSON names one of the fields that are read more than once, as far as one can see from outside.
fn is_doubled(json: &[u8]) -> bool {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(json) else {
        return false;
    };
    let compact = serde_json::from_str::<Value>(raw.get()).map(|value| value.to_string());
    let bytes = |text: &str| text.bytes().filter(|byte| *byte == b':').count();
    compact.is_ok_and(|compact| bytes(&compact) < bytes(raw.get()))
}
