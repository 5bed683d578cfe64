//! Runs that the daemon carries out for a client.

use load::{Cause, Phase};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::super::protocol::{Answer, Question};
use super::*;
use crate::signals::Signals;

/// A connection whose lines the test reads and writes itself.
struct Line {
    answers: tokio::io::Lines<BufReader<tokio::net::unix::OwnedReadHalf>>,
    questions: tokio::net::unix::OwnedWriteHalf,
}

impl Line {
    async fn ask(served: &Served, question: &Question) -> Self {
        let stream = UnixStream::connect(served.path()).await.unwrap();
        let (reader, questions) = stream.into_split();
        let answers = BufReader::new(reader).lines();
        let mut line = Self { answers, questions };
        line.tell(question).await;
        line
    }

    async fn tell(&mut self, question: &Question) {
        let line = question.to_line().unwrap();
        self.questions.write_all(&line).await.unwrap();
    }

    async fn next(&mut self) -> Option<Answer> {
        let line = soon(self.answers.next_line()).await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }
}

#[tokio::test]
async fn a_run_is_told_from_its_waiting_to_its_report() {
    let mut served = Served::begin().await;
    let mut line = Line::ask(&served, &Question::Start(load_order())).await;
    let run = served.next_run().await;
    assert_eq!(run.order, load_order());
    let waiting = Answer::Waiting {
        what: "for another run to end".to_owned(),
    };
    assert_eq!(line.next().await, Some(waiting));
    let progress = Progress {
        phase: Phase::Delivering,
        done: 7,
        total: Some(9),
    };
    run.progress.send(progress).unwrap();
    assert_eq!(line.next().await, Some(Answer::Progress(progress)));
    run.report.send(Ok(report())).unwrap();
    assert_eq!(line.next().await, Some(Answer::Report(Box::new(report()))));
    assert_eq!(line.next().await, None);
    served.end().await;
}

#[tokio::test]
async fn a_client_that_wants_it_stops_its_run() {
    let mut served = Served::begin().await;
    let mut line = Line::ask(&served, &Question::Start(load_order())).await;
    let run = served.next_run().await;
    assert!(!run.halt.is_stopped());
    line.tell(&Question::Stop).await;
    soon(run.halt.stopped()).await;
    assert_eq!(run.halt.cause(), Some(Cause::Shutdown));
    run.report.send(Ok(report())).unwrap();
    served.end().await;
}

#[tokio::test]
async fn the_run_of_a_client_that_vanishes_goes_on() {
    let mut served = Served::begin().await;
    let line = Line::ask(&served, &Question::Start(load_order())).await;
    let mut run = served.next_run().await;
    drop(line);
    // Telling it shows that it is gone.
    let told = async {
        for done in 0.. {
            run.progress.send_modify(|progress| progress.done = done);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = soon(run.report.closed()) => {}
        () = told => {}
    }
    assert!(!run.halt.is_stopped());
    assert_eq!(served.client().await.status().await.unwrap(), status());
    served.end().await;
}

#[tokio::test]
async fn a_client_that_only_stops_writing_is_told_its_report() {
    let mut served = Served::begin().await;
    let mut line = Line::ask(&served, &Question::Start(load_order())).await;
    line.questions.shutdown().await.unwrap();
    let run = served.next_run().await;
    line.next().await.expect("it waits");
    run.report.send(Ok(report())).unwrap();
    assert_eq!(line.next().await, Some(Answer::Report(Box::new(report()))));
    assert!(!run.halt.is_stopped());
    served.end().await;
}

#[tokio::test]
async fn runs_leave_room_for_questions() {
    let mut served = Served::begin().await;
    let mut followed = Vec::new();
    for _ in 0..48 {
        let line = Line::ask(&served, &Question::Start(load_order())).await;
        followed.push((line, served.next_run().await));
    }
    let mut line = Line::ask(&served, &Question::Start(load_order())).await;
    let Some(Answer::Refused { sentence, exit: 1 }) = line.next().await else {
        panic!("one more is refused");
    };
    assert!(sentence.contains("48 runs"), "{sentence}");
    assert_eq!(served.client().await.status().await.unwrap(), status());
    let (mut line, run) = followed.remove(0);
    run.report.send(Ok(report())).unwrap();
    while line.next().await.is_some() {}
    let mut line = Line::ask(&served, &Question::Start(load_order())).await;
    assert!(matches!(line.next().await, Some(Answer::Waiting { .. })));
    served.end().await;
}

#[tokio::test]
async fn a_command_gets_the_report_of_its_run() {
    let mut served = Served::begin().await;
    let client = served.client().await;
    let command = tokio::spawn(async move {
        let mut signals = Signals::mind().unwrap();
        client.carry_out(load_order(), &mut signals).await
    });
    let run = served.next_run().await;
    run.report.send(Ok(report())).unwrap();
    assert_eq!(soon(command).await.unwrap().unwrap(), report());
    served.end().await;
}

#[tokio::test]
async fn a_command_whose_daemon_goes_away_is_interrupted() {
    for how in ["the driver ends", "the server ends"] {
        let mut served = Served::begin().await;
        let client = served.client().await;
        let command = tokio::spawn(async move {
            let mut signals = Signals::mind().unwrap();
            client.carry_out(load_order(), &mut signals).await
        });
        let run = served.next_run().await;
        if how == "the driver ends" {
            drop(run.report);
        } else {
            served.server.abort();
        }
        let error = soon(command).await.unwrap().unwrap_err();
        assert_eq!(crate::exit::of_error(&error), Exit::Interrupted, "{how}");
        assert!(
            error.to_string().starts_with("the daemon went away"),
            "{how}: {error}"
        );
    }
}
