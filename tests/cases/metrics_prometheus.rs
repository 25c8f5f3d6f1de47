//! A real Prometheus watches a service through its shutdown, its restart, and a kill.

use std::net::{SocketAddr, TcpListener};

use graceful_tests::prometheus::Prometheus;
use graceful_tests::{PATIENCE, Running, Signal, get};

use crate::http::connect;
use crate::metrics_file::Figures;

/// A port that the service can have again and again.
fn admin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound")
}

#[test]
fn through_a_shutdown_a_restart_and_a_kill() {
    let (figures, admin) = (Figures::new(), admin());
    let start = || -> Running { figures.service().env("GF_ADMIN", admin.to_string()).start() };
    let service = start();
    let prometheus = Prometheus::start(admin);
    prometheus.wait("up{job=\"service\"}", |up| up == 1.0);
    prometheus.wait("graceful_shutdown_success_total", |count| count == 0.0);
    prometheus.wait("graceful_phase{phase=\"serving\"}", |present| present == 1.0);
    prometheus.wait("graceful_ready", |ready| ready == 1.0);

    // A drain that is long enough to be seen.
    let mut working = connect(&service);
    working.send(get("/work?ms=3000")).expect("it reads");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    prometheus.wait("max_over_time(graceful_phase{phase=\"draining\"}[5m])", |present| present == 1.0);
    prometheus.wait("min_over_time(graceful_ready[5m])", |ready| ready == 0.0);
    prometheus.wait("max_over_time(graceful_shutdown_active_connections[5m])", |open| open == 1.0);
    working.answer().expect("answered").expect(200, "done\n");
    service.wait(PATIENCE).expect_code(0).expect_outcome("clean");
    prometheus.wait("up{job=\"service\"}", |up| up == 0.0);

    let service = start();
    prometheus.wait("up{job=\"service\"}", |up| up == 1.0);
    prometheus.wait("graceful_shutdown_success_total", |count| count == 1.0);
    prometheus.wait("increase(graceful_shutdown_success_total[5m])", |increase| increase > 0.0);
    prometheus.wait("graceful_shutdown_duration_seconds_count", |count| count == 1.0);
    // It took what the request took.
    let quantile = "histogram_quantile(0.95, sum by (le) (increase(graceful_shutdown_duration_seconds_bucket[5m])))";
    prometheus.wait(quantile, |seconds| seconds > 1.0);
    prometheus.wait("graceful_active_connections_at_shutdown", |open| open == 1.0);
    prometheus.wait("graceful_last_shutdown_exit_code", |code| code == 0.0);
    prometheus.wait("time() - graceful_last_shutdown_timestamp_seconds", |ago| (0.0..60.0).contains(&ago));
    assert_eq!(prometheus.value("ALERTS"), None);

    let mut working = connect(&service);
    working.send(get("/work?ms=8000")).expect("it reads");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    figures.wait_pending();
    service.signal(Signal::SIGKILL);
    let _ = service.wait(PATIENCE);
    prometheus.wait("up{job=\"service\"}", |up| up == 0.0);

    let service = start();
    prometheus.wait("graceful_forced_shutdown_total", |count| count == 1.0);
    prometheus.wait("graceful_shutdown_success_total", |count| count == 1.0);
    let firing = |alert| format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}");
    prometheus.wait(&firing("GracefulShutdownForced"), |firing| firing == 1.0);
    prometheus.wait(&firing("GracefulShutdownFailed"), |firing| firing == 1.0);
    service.stop().expect_code(0);
}
