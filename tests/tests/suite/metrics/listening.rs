//! Where the daemon listens for whoever watches, and who cannot keep it from that.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};
use tests::{Config, Scrape, Serving, ask};

use super::watched;
use crate::company::Company;

/// Writes another configuration and waits until it is in force.
#[track_caller]
fn reload(company: &mut Company, serving: &mut Serving, change: impl FnOnce(&mut Config)) {
    let told = serving.systemd().told().len();
    company.rollcall.configure(change);
    serving.hang_up();
    serving.wait_until_told_after(told, "READY=1");
}

#[test]
fn nothing_listens_where_nothing_is_configured() {
    let company = Company::plain(2, 1.0);
    let serving = company.rollcall.serve();
    assert_eq!(company.rollcall.metrics_address(), None);
    let sockets = std::fs::read_to_string(format!("/proc/{}/net/tcp", serving.pid())).unwrap();
    let mine: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", serving.pid()))
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok())
        .filter_map(|link| {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let listens = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        cells.get(3) == Some(&"0A") && mine.iter().any(|inode| cells.get(9) == Some(&&**inode))
    };
    assert!(!sockets.lines().any(listens), "{sockets}");
    serving.stop();
}

#[test]
fn a_port_that_is_taken_is_said_and_had_once_it_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut company = watched(|config| config.metrics = Some(address.to_string()));
    let mut serving = company.rollcall.serve();
    let status = company.rollcall.status();
    assert_eq!(status["metrics"], Value::Null);
    let health = status["health"][0].as_str().unwrap();
    for part in [&*address.to_string(), "metrics.listen", "ss -ltnp"] {
        assert!(health.contains(part), "{health}");
    }
    let page = company.rollcall.command(&["status"]).with_code(0).stdout;
    assert!(page.contains("metrics.listen"), "{page}");
    company.load();
    let logs = company.rollcall.logs();
    let line = logs
        .lines()
        .find(|line| line.contains("ERROR") && line.contains(&address.to_string()));
    assert!(line.is_some(), "{logs}");

    drop(taken);
    reload(&mut company, &mut serving, |_| {});
    assert_eq!(company.rollcall.metrics_address(), Some(address));
    assert_eq!(company.rollcall.status()["health"], json!([]));
    assert_eq!(company.rollcall.watch("/healthz").status, 200);
    serving.stop();
}

#[test]
fn a_reload_moves_the_address_and_closes_the_one_before() {
    let mut company = watched(|_| {});
    let mut serving = company.rollcall.serve();
    let first = company.rollcall.metrics_address().unwrap();
    // Whoever holds a connection does not hold the address.
    let _open = TcpStream::connect(first).unwrap();
    reload(&mut company, &mut serving, |config| {
        config.metrics = Some("[::1]:0".to_owned());
    });
    let second = company.rollcall.metrics_address().unwrap();
    assert!(second.is_ipv6(), "{second}");
    assert!(TcpStream::connect(first).is_err());
    assert_eq!(company.rollcall.watch("/healthz").status, 200);

    // The same port on all addresses: the old listener is gone before the new one comes.
    let everywhere = SocketAddr::from(([0, 0, 0, 0], first.port()));
    reload(&mut company, &mut serving, |config| {
        config.metrics = Some(first.to_string());
    });
    reload(&mut company, &mut serving, |config| {
        config.metrics = Some(everywhere.to_string());
    });
    assert_eq!(company.rollcall.metrics_address(), Some(everywhere));
    assert_eq!(ask(first, "GET", "/healthz").status, 200);

    // What has faults changes nothing, and is shown.
    let good = company.rollcall.yaml();
    let told = serving.systemd().told().len();
    let bad = good.replace(&everywhere.to_string(), "here");
    company.rollcall.write_config(&bad);
    serving.hang_up();
    serving.wait_until_told_after(told, "READY=1");
    let refused = Scrape::read(&ask(first, "GET", "/metrics").body);
    assert_eq!(refused.count("rollcall_config_last_reload_successful"), 0);

    reload(&mut company, &mut serving, |config| config.metrics = None);
    assert_eq!(company.rollcall.metrics_address(), None);
    assert!(TcpStream::connect(first).is_err());
    serving.stop();
    let logs = company.rollcall.logs();
    assert!(logs.contains("metrics.listen: from"), "{logs}");
}

#[test]
fn clients_that_say_nothing_or_nonsense_keep_nobody_out() {
    let company = watched(|_| {});
    let serving = company.rollcall.serve();
    let address = company.rollcall.metrics_address().unwrap();
    let _silent: Vec<TcpStream> = (0..12)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for nonsense in [
        "\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)),
        "\u{0}\u{1}\u{2}".repeat(1000),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        // It may be hung up on before it has said all.
        let _ = stream.write_all(nonsense.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let answer = ask(address, "GET", "/metrics");
    assert_eq!(answer.status, 200);
    // More than are answered at the same time: the silent ones are hung up on.
    let _more: Vec<TcpStream> = (0..30)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    assert_eq!(ask(address, "GET", "/healthz").status, 200);
    company.load();
    serving.stop();
}
