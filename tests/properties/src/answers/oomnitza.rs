//! Conversations with an Oomnitza instance.

use std::collections::HashSet;

use bytes::Bytes;
use http::{Method, Response};
use oomnitza::{
    Activity, Batch, Completeness, Connector, Error, FieldName, Mode, PeoplePage, PersonId,
    Portion, PortionId, Reader, SaasId, SaasUserId, Sentence, Writer, field_id,
};
use serde_json::Value;
use uuid::uuid;

use super::{Conversation, Peer, within_time};
use crate::told::{assert_tellable, assert_words};

/// Whatever an instance answers, each call ends, and with what the answer says or an error that can be told.
///
/// A listing gives nobody twice, and says when it is short; whoever cannot be read fails alone; a refusal in an answer of
/// 2xx is a refusal; who reads sends nothing but GET; a person is created by one request.
/// For the form of an input see the module `answers`.
///
/// # Panics
///
/// Where that does not hold.
pub fn oomnitza(data: &[u8]) {
    let conversation = Conversation::read(data);
    let peer = conversation.begin();
    let reader = Reader::new(peer.client.clone());
    if reads(&reader, &conversation) {
        for (method, path) in peer.asked() {
            assert!(
                method == Method::GET && path.starts_with("/api/api/"),
                "{method} {path}"
            );
        }
    } else {
        writes(&Writer::new(reader), &conversation, &peer);
    }
}

/// The value of a call, unless it is an error, which must be one that can be told.
fn tellable<T>(answer: Result<T, Error>) -> Option<T> {
    answer.inspect_err(|error| assert_tellable(error)).ok()
}

fn person_id() -> PersonId {
    PersonId::try_from("24dcf85294e411e38a52066b556ba4ee").expect("it is an id")
}

/// Makes a call that reads; says whether the conversation is one.
fn reads(reader: &Reader, conversation: &Conversation) -> bool {
    match conversation.call.as_str() {
        "people" => people(reader, conversation),
        "people_by_ids" => {
            let found = tellable(within_time(reader.people_by_ids(&[person_id()])));
            let found = found.unwrap_or_default();
            let ids: HashSet<_> = found.iter().map(|person| person.id.clone()).collect();
            assert_eq!(ids.len(), found.len());
        }
        "people_by_key" => {
            let email = FieldName::try_from("email").expect("it is a name");
            drop(tellable(within_time(
                reader.people_by_key(&email, &["aoife@acme.com", "b'c\"d"]),
            )));
        }
        "probe" => drop(tellable(within_time(reader.probe()))),
        "run_log" => {
            let idents = Connector::Id(268).idents();
            let portion = portion_id();
            if let Some(log) = tellable(within_time(reader.run_log(&idents, &portion))).flatten() {
                assert!(log.words.len() <= 200);
                assert!(!log.finished || log.processing == 0, "{log:?}");
                for words in &log.words {
                    assert_words(words);
                    assert!(words.chars().count() <= 500);
                }
            }
        }
        "saas_named" => {
            let found = tellable(within_time(reader.saas_named("SentinelOne"))).unwrap_or_default();
            let distinct: HashSet<_> = found.iter().map(SaasId::as_str).collect();
            assert_eq!(distinct.len(), found.len());
        }
        "saas_users" => {
            let users = tellable(within_time(reader.saas_users(&saas_id())));
            if let Some(users) = users {
                let body: Value =
                    serde_json::from_slice(conversation.answers[0].body()).unwrap_or_default();
                let listed = body.as_array().map_or(0, Vec::len);
                assert!(conversation.answers.len() > 1 || users.users.len() <= listed);
            }
        }
        _ => return false,
    }
    true
}

/// Reads a listing to its end.
fn people(reader: &Reader, conversation: &Conversation) {
    let mut pages = reader.people();
    let (mut ids, mut came, mut is_first) = (HashSet::new(), 0, true);
    loop {
        match within_time(pages.next()) {
            Ok(Some(page)) => {
                came += page.people.len() as u64;
                for person in page.people.iter().flatten() {
                    assert!(ids.insert(person.id.clone()), "somebody came twice");
                    let json: Value =
                        serde_json::from_str(person.json()).expect("a person is JSON");
                    let mut fields = HashSet::new();
                    person.for_each_field(|name, _| {
                        fields.insert(name.to_owned());
                    });
                    assert_eq!(
                        json.as_object().map(serde_json::Map::len),
                        Some(fields.len())
                    );
                }
                for malformed in page
                    .people
                    .iter()
                    .filter_map(|person| person.as_ref().err())
                {
                    assert_words(&malformed.to_string());
                }
                if is_first {
                    assert_holds_all(&page, conversation.answers[0].body());
                }
            }
            Ok(None) => break,
            Err(error) => return assert_tellable(&error),
        }
        is_first = false;
    }
    assert_eq!(pages.distinct(), came);
    let is_short = pages.promised().is_some_and(|promised| came < promised);
    assert_eq!(pages.completeness() != Completeness::Complete, is_short);
}

/// Every element of a first page is there once, readable or not.
fn assert_holds_all(page: &PeoplePage, body: &[u8]) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let listed = body.as_array().map(Vec::as_slice).unwrap_or_default();
    let ids = |element: &Value| element["user_id"].as_str().map(str::to_owned);
    for id in listed.iter().filter_map(ids) {
        // A field that stands there twice makes a person unreadable.
        let found = page.people.iter().any(|person| match person {
            Ok(person) => person.id.as_str() == id,
            Err(malformed) => {
                malformed.json().contains(&*id.escape_default().to_string()) || !is_simple(&id)
            }
        });
        assert!(found, "person {id} is missing from its page");
    }
}

/// Whether a text is written in JSON as it is.
fn is_simple(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn portion_id() -> PortionId {
    let id = uuid!("0d4a8a4b-6c3a-4f6e-9a35-3f7c1d1d9a11");
    PortionId::try_from(id).expect("it is an id of the fourth kind")
}

fn saas_id() -> SaasId {
    SaasId::try_from("41").expect("it is an id")
}

/// Makes a call that writes.
fn writes(writer: &Writer, conversation: &Conversation, peer: &Peer) {
    let record = Bytes::from_static(br#"{"username":"aoife","role":25}"#);
    let saas = saas_id();
    let done = match conversation.call.as_str() {
        "update" => within_time(writer.update(&person_id(), record)).map(drop),
        "portion" => return portion(writer, conversation),
        "finalize" => within_time(writer.finalize_abandoned(portion_id())),
        "report_empty" => within_time(writer.report_empty(268, &portion_id())),
        "report_failed" => {
            let sentence = Sentence::from("the console did not answer");
            within_time(writer.report_failed(268, &portion_id(), &sentence))
        }
        "create_saas" => within_time(writer.create_saas("SentinelOne")),
        "assign_saas" => within_time(writer.assign_saas(&saas, &[person_id()])),
        "set_saas_external_id" => {
            within_time(writer.set_saas_external_id(&saas, &person_id(), "7"))
        }
        "set_saas_roles" => {
            within_time(writer.set_saas_roles(&saas, &person_id(), &["Admin".into()]))
        }
        "set_saas_activity" => return activity(writer, conversation),
        _ => {
            let created = within_time(writer.create(record));
            let throttled = conversation
                .answers
                .iter()
                .filter(|answer| answer.status() == 429);
            // Only who was told to come later comes again.
            assert!(
                throttled.count() > 0 || peer.asked().len() == 1,
                "{:?}",
                peer.asked()
            );
            created.map(drop)
        }
    };
    let is_done = tellable(done).is_some();
    if let [answer] = &conversation.answers[..] {
        let finalizes =
            conversation.call == "finalize" && matches!(answer.status().as_u16(), 404 | 409 | 410);
        assert!(
            !is_done || answer.status().is_success() || finalizes,
            "a refusal passes for a success"
        );
        // A finalize is taken at its status; what became of the records is read from the log.
        let reads_body = !matches!(conversation.call.as_str(), "finalize" | "create_saas");
        assert!(
            !is_done || !reads_body || !refuses(answer),
            "an error in the answer passes for a success"
        );
    }
}

/// Whether an answer says in plain words that something failed.
fn refuses(answer: &Response<Bytes>) -> bool {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let says = |value: &Value| value.as_str().is_some_and(|words| !words.trim().is_empty());
    ["error", "errors"].iter().any(|name| says(&body[*name]))
}

/// Loads a batch through a portion, asks after it, and ends it.
fn portion(writer: &Writer, conversation: &Conversation) {
    let mut portion = writer.portion(portion_id(), Connector::Id(268));
    let batch = batch();
    let sent = within_time(portion.send(&batch));
    if let ([answer], Ok(())) = (&conversation.answers[..], &sent) {
        assert!(
            answer.status().is_success() && !refuses(answer),
            "a refusal passes for a success"
        );
    }
    tellable(sent);
    tellable(within_time(portion.is_canceled()));
    tellable(within_time(
        portion.report_broken(&Sentence::from("it broke off")),
    ));
    assert!(portion.is_open(), "what was sent is to be finalized");
    finalize(portion);
}

fn finalize(portion: Portion) {
    if let Err(error) = within_time(portion.finalize()) {
        assert_tellable(&error.source);
        assert!(error.portion.is_open());
        assert_eq!(error.portion.leave_open(), portion_id());
    }
}

fn batch() -> Batch {
    let email = FieldName::try_from("email").expect("it is a name");
    let email = field_id(&email, &std::collections::BTreeMap::new()).expect("it is built in");
    let record = format!(r#"{{"{email}":"aoife@acme.com"}}"#);
    Batch::new(vec![email], Mode::UpdateOnly, vec![Bytes::from(record)])
        .expect("it is within the rules")
}

/// Deactivates three users: each has one outcome, and an answer of which nothing is sound is an error.
fn activity(writer: &Writer, conversation: &Conversation) {
    let ids = ["11", "12", "13"].map(|id| SaasUserId::try_from(id).expect("it is an id"));
    let outcomes = tellable(within_time(
        writer.set_saas_activity(&ids, Activity::Inactive),
    ));
    let Some(outcomes) = outcomes else {
        return;
    };
    assert_eq!(outcomes.len(), ids.len());
    for words in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_words(words);
    }
    let [answer] = &conversation.answers[..] else {
        return;
    };
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    for item in body.as_array().into_iter().flatten() {
        let says_no = item["error"]
            .as_str()
            .is_some_and(|words| !words.trim().is_empty());
        let place = ids
            .iter()
            .position(|id| item["saas_user_id"] == *id.as_str());
        if let (true, Some(place)) = (says_no && item.is_object(), place) {
            assert!(
                outcomes[place].is_err(),
                "an error of an item passes for a success"
            );
        }
    }
}
