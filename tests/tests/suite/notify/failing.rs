//! Receivers that hang, refuse, or are gone.

use std::time::Instant;

use tests::{Answer, Receiver};

use super::{HOOK, KEY, KIND, Told, leads_to, nobody_else_knows_the_key};

#[test]
fn a_webhook_that_hangs_holds_up_neither_a_load_nor_another_channel() {
    let told = Told::with(&format!(
        "  - webhook: {{ url: {{ file: hangs.token }} }}\n{HOOK}"
    ));
    let hangs = Receiver::open();
    hangs.answers(Answer::Hang);
    leads_to(&told.company.rollcall, "hangs.token", &hangs);
    let mut serving = told.company.rollcall.serve();
    told.begin();
    told.wait_for_events(&mut serving, &["began"]);
    serving.wait_until(|| !hangs.received().is_empty());
    // It hangs right now.
    told.end();
    told.wait_for_events(&mut serving, &["began", "ended"]);
    let longest = "SELECT max(duration_ms) < 1500 FROM v_runs";
    assert_eq!(told.company.rollcall.value(longest), 1);
    // In order, once it answers.
    hangs.answers(Answer::Status(200, None));
    serving.wait_until(|| hangs.events(KIND) == ["began", "ended"]);
    // Nor does it hold up the end.
    hangs.answers(Answer::Hang);
    let began = Instant::now();
    serving.stop();
    assert!(began.elapsed().as_secs() < 10);
}

#[test]
fn what_could_not_be_told_is_told_by_the_next_daemon_once() {
    let told = Told::with(HOOK);
    told.receiver.answers(Answer::Echo(500));
    let mut serving = told.company.rollcall.serve_with(|command| {
        command.env("RUST_LOG", "trace");
    });
    told.begin();
    serving.wait_until(|| told.receiver.received().len() == 2);
    serving.kill();
    told.receiver.answers(Answer::Status(200, None));
    let mut serving = told.company.rollcall.serve();
    told.wait_for_events(&mut serving, &["began"]);
    serving.wait_for("SELECT count(*) FROM outbox", 0);
    serving.stop();
    told.company.rollcall.serve().stop();
    assert_eq!(told.receiver.events(KIND), ["began"]);
    nobody_else_knows_the_key(&told.company.rollcall);
}

#[test]
fn one_that_is_gone_is_told_when_it_is_back() {
    let told = Told::with(HOOK);
    let address = told.receiver.address();
    let Told {
        company,
        receiver,
        users,
    } = told;
    drop(receiver);
    let mut serving = company.rollcall.serve();
    company.load();
    company.control.set_users(&users);
    company.load();
    serving.wait_until(|| company.rollcall.logs().contains("A channel cannot be told"));
    let failing = "SELECT count(*) FROM v_notices WHERE kind = 'notify_failed' AND subject LIKE 'webhook:%' AND until IS NULL";
    serving.wait_for(failing, 1);
    let receiver = Receiver::open_at(address);
    serving.wait_until(|| receiver.events(KIND) == ["began", "ended"]);
    serving.wait_for(failing, 0);
    serving.stop();
    assert!(!company.rollcall.logs().contains(KEY));
}

#[test]
fn a_command_without_a_daemon_does_not_end_the_notice_of_one_that_is_gone() {
    let told = Told::with(HOOK);
    let address = told.receiver.address();
    let Told {
        company, receiver, ..
    } = told;
    drop(receiver);
    let mut serving = company.rollcall.serve();
    company.load();
    let failing = "SELECT count(*) FROM v_notices WHERE kind = 'notify_failed' AND subject LIKE 'webhook:%' AND until IS NULL";
    serving.wait_for(failing, 1);
    serving.stop();
    // One that tries it in vain, and one that has nothing to tell.
    for _ in 0..2 {
        company.load();
        assert_eq!(company.rollcall.value(failing), 1);
    }
    let began = "SELECT count(*) FROM v_notices WHERE kind = 'notify_failed'";
    assert_eq!(company.rollcall.value(began), 1);
    // It is over once a command has told it what there was to tell.
    let receiver = Receiver::open_at(address);
    company.load();
    assert_eq!(receiver.events(KIND), ["began"]);
    assert_eq!(company.rollcall.value(failing), 0);
}

#[test]
fn a_message_is_not_sent_again_before_the_receiver_wants_it() {
    let told = Told::with(HOOK);
    told.receiver
        .answers(Answer::Status(429, Some(("retry-after", "3"))));
    let mut serving = told.company.rollcall.serve();
    told.begin();
    serving.wait_until(|| told.receiver.received().len() == 1);
    told.receiver.answers(Answer::Status(200, None));
    told.wait_for_events(&mut serving, &["began"]);
    serving.stop();
    let [first, second] = told.receiver.received().try_into().unwrap();
    let waited = second.at.duration_since(first.at).as_millis();
    assert!((3_000..9_000).contains(&waited), "{waited} ms");
}

#[test]
fn a_secret_that_is_not_there_is_a_failure_like_any_other_and_mended_while_the_daemon_runs() {
    let told = Told::with(HOOK);
    let file = told.company.rollcall.folder().join("hook.token");
    let address = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let mut serving = told.company.rollcall.serve();
    told.begin();
    serving.wait_until(|| {
        told.company
            .rollcall
            .logs()
            .contains("could not read the secret")
    });
    told.company
        .rollcall
        .write_token("hook.token", address.trim());
    told.wait_for_events(&mut serving, &["began"]);
    serving.stop();
}
