//! Where figures for Prometheus are served.

use std::net::SocketAddr;

use super::fault::Report;
use super::spot::Spot;
use super::written;

/// Where figures for Prometheus are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The address and port; `None`: they are not served.
    pub listen: Option<SocketAddr>,
}

/// Checks the section; `None` when there is a fault.
pub(super) fn check(
    written: Option<&written::Metrics>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Metrics> {
    let Some(listen) = written.and_then(|written| written.listen.as_deref()) else {
        return Some(Metrics::default());
    };
    let address = listen.trim().parse().ok();
    if address.is_none() {
        report.fault(
            spot.at("listen").value,
            format!(
                "`{listen}` is no address with a port; write for example `127.0.0.1:9464`, \
                 or `[::1]:9464`"
            ),
        );
    }
    address.map(|listen| Metrics {
        listen: Some(listen),
    })
}
