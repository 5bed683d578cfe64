//! A peer between Rollcall and a system: it passes everything on, and notes each request by itself.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::listening::Listening;

/// A peer; gone when this is dropped.
#[derive(Debug)]
pub struct Peer {
    listening: Listening,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where the system is.
    system: String,
    calls: Mutex<Vec<String>>,
}

impl Peer {
    /// Opens one before a system, whose address is `http://HOST:PORT`.
    ///
    /// # Panics
    /// Loopback has no free port, or the address is another.
    pub fn before(system: &str) -> Self {
        let system = system.strip_prefix("http://").expect("an address of http");
        let shared = Arc::new(Shared {
            system: system.to_owned(),
            calls: Mutex::default(),
        });
        let of_threads = Arc::clone(&shared);
        // What breaks off is for the one who asks to see.
        let serve = move |stream: &TcpStream| drop(pass_on(stream, &of_threads));
        let listening = Listening::at(([127, 0, 0, 1], 0).into(), serve);
        Self { listening, shared }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.listening.address())
    }

    /// What was asked for since this was called last: each method with its path, once.
    pub fn calls(&self) -> BTreeSet<String> {
        let mut calls = lock(&self.shared.calls);
        std::mem::take(&mut *calls).into_iter().collect()
    }
}

/// Passes on what comes on a connection, request by request, and what is answered as it comes.
fn pass_on(client: &TcpStream, shared: &Shared) -> io::Result<()> {
    let system = TcpStream::connect(&shared.system)?;
    let (mut answers, mut back) = (system.try_clone()?, client.try_clone()?);
    let answering = thread::spawn(move || {
        // Who is not there any more needs no answer.
        let _ = io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut requests = BufReader::new(client);
    let mut to_system = &system;
    while let Some((head, length)) = head(&mut requests)? {
        note(&head, shared);
        to_system.write_all(head.as_bytes())?;
        io::copy(&mut (&mut requests).take(length), &mut to_system)?;
    }
    system.shutdown(Shutdown::Write)?;
    let _ = answering.join();
    Ok(())
}

/// Notes the method and the path of a request.
fn note(head: &str, shared: &Shared) {
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    lock(&shared.calls).push(format!("{method} {path}"));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the head of a request, and how long its body is; `None`: no other comes.
fn head(requests: &mut impl BufRead) -> io::Result<Option<(String, u64)>> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let begin = head.len();
        if requests.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        let line = head[begin..].trim();
        if line.is_empty() {
            return Ok(Some((head, length)));
        }
        if let Some((name, value)) = line.split_once(':') {
            // Rollcall knows how long what it sends is.
            assert!(!name.eq_ignore_ascii_case("transfer-encoding"), "{line}");
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length is a number");
            }
        }
    }
}
