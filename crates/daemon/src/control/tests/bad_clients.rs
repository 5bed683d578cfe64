//! Clients that do what they should not.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::super::protocol::{Answer, Question};
use super::*;

/// Sends bytes and returns the whole answer.
async fn send(served: &Served, bytes: &[u8]) -> Answer {
    let stream = UnixStream::connect(served.path()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    // The daemon may close before it has read all.
    let _ = writer.write_all(bytes).await;
    let mut text = String::new();
    let read = reader.read_to_string(&mut text);
    // What it has not read makes the end an abrupt one; the answer came before.
    let _ = soon(read).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

fn refusal(answer: &Answer) -> &str {
    match answer {
        Answer::Refused { sentence, exit: 2 } => sentence,
        answer => panic!("it is refused as a mistake of usage, not {answer:?}"),
    }
}

#[tokio::test]
async fn an_unknown_command_is_refused() {
    let served = Served::begin().await;
    let answer = send(&served, b"{\"version\":\"9.9.9\",\"command\":\"undo\"}\n").await;
    assert!(refusal(&answer).contains("Rollcall 9.9.9"));
    let answer = send(&served, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(refusal(&answer).starts_with("what was sent is no line of JSON"));
    served.end().await;
}

#[tokio::test]
async fn a_line_of_64_kib_is_read_and_a_longer_one_is_refused() {
    let served = Served::begin().await;
    let mut line = Question::Status.to_line().unwrap();
    line.splice(0..0, vec![b' '; 64 * 1024 - line.len()]);
    assert!(matches!(send(&served, &line).await, Answer::Status(_)));
    line.insert(0, b' ');
    let answer = send(&served, &line).await;
    assert_eq!(refusal(&answer), "a question is at most 65536 bytes long");
    served.end().await;
}

#[tokio::test]
async fn there_is_nothing_to_stop_before_a_run() {
    let served = Served::begin().await;
    let answer = send(&served, &Question::Stop.to_line().unwrap()).await;
    assert!(refusal(&answer).starts_with("there is no run on this connection"));
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn clients_that_say_nothing_hold_nobody_up_for_long() {
    let served = Served::begin().await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(UnixStream::connect(served.path()).await.unwrap());
    }
    let told = served.client().await.status().await.unwrap();
    assert_eq!(told, status());
    let mut text = String::new();
    silent[0].read_to_string(&mut text).await.unwrap();
    assert!(text.contains("no question came within 10 s"), "{text}");
    served.end().await;
}

#[tokio::test]
async fn a_fault_in_one_answer_harms_no_other() {
    let served = Served::begin().await;
    let run_id = "panic".to_owned();
    let question = Question::Cancel { run_id };
    let error = served.client().await.order(&question).await.unwrap_err();
    assert_eq!(error.to_string(), "the daemon went away before it answered");
    assert_eq!(served.client().await.status().await.unwrap(), status());
    served.end().await;
}
