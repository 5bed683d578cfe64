//! Questions that are answered at once.

use super::super::protocol::Question;
use super::*;

#[tokio::test]
async fn the_status_is_told() {
    let served = Served::begin().await;
    let told = served.client().await.status().await.unwrap();
    assert_eq!(told, status());
    served.end().await;
}

#[tokio::test]
async fn who_asks_is_known_whatever_the_client_says() {
    let served = Served::begin().await;
    let question = Question::Pause {
        integration: Some("users".to_owned()),
        reason: "it moves".to_owned(),
    };
    let done = served.client().await.order(&question).await.unwrap();
    assert_eq!(done, "pause users because it moves");
    let heard = served.driver.heard.lock().unwrap().clone();
    let [(what, peer)] = heard.as_slice() else {
        panic!("one thing was heard, not {heard:?}");
    };
    assert_eq!(what, &done);
    assert_eq!(peer.uid, nix::unistd::Uid::current().as_raw());
    assert_eq!(peer.pid, i32::try_from(std::process::id()).ok());
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).unwrap();
    assert_eq!(peer.user, user.map(|user| user.name));
    served.end().await;
}

#[tokio::test]
async fn a_test_of_those_who_are_told_is_told_one_by_one() {
    let served = Served::begin().await;
    let channels = vec!["webhook:env:A".to_owned(), "ping:b".to_owned()];
    let trials = served.client().await.test_notify(channels).await.unwrap();
    let told: Vec<_> = trials.iter().map(|trial| trial.channel.as_str()).collect();
    assert_eq!(told, ["webhook:env:A", "ping:b"]);
    assert_eq!(trials[0].error.as_deref(), Some("nobody is there"));
    served.end().await;
}

#[tokio::test]
async fn who_is_to_be_forgotten_is_told_and_who_asks() {
    let served = Served::begin().await;
    let email = "ann@acme.com".to_owned();
    let forgotten = served.client().await.forget(email).await.unwrap();
    assert!(forgotten.log_is_rid);
    let heard = served.driver.heard.lock().unwrap().clone();
    let heard: Vec<&str> = heard.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(heard, ["forget ann@acme.com"]);
    served.end().await;
}

#[test]
fn a_peer_is_named_as_people_name_it() {
    let mut peer = Peer {
        uid: 1000,
        user: Some("anna".to_owned()),
        pid: Some(1),
    };
    assert_eq!(peer.to_string(), "anna (uid 1000)");
    peer.user = None;
    assert_eq!(peer.to_string(), "uid 1000");
}

#[tokio::test]
async fn a_refusal_comes_with_its_exit_code() {
    let served = Served::begin().await;
    let question = Question::Resume {
        integration: Some("users".to_owned()),
    };
    let error = served.client().await.order(&question).await.unwrap_err();
    assert_eq!(error.to_string(), "`users` is not paused");
    assert_eq!(crate::exit::of_error(&error), Exit::Usage);
    served.end().await;
}

#[tokio::test]
async fn fifty_clients_at_once_are_all_answered() {
    let served = Served::begin().await;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..50 {
        let client = served.client().await;
        clients.spawn(async move {
            let run_id = format!("run {number}");
            let question = Question::Cancel { run_id };
            (number, client.order(&question).await.unwrap())
        });
    }
    for (number, done) in soon(clients.join_all()).await {
        assert_eq!(done, format!("cancel run {number}"));
    }
    served.end().await;
}
