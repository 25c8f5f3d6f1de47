//! Proxies in front of two services: started without privileges, in a folder and on a port of their own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use graceful_drill::{Clients, Drill, Outcome, Pattern, Request};
use graceful_tests::{Exit, Http, PATIENCE, Running, Service, Signal};
use tempfile::TempDir;

use crate::http::http;

/// How long a service goes on serving after its signal: enough for a proxy to look away.
const LAME_DUCK: &str = "2s";

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) process: Running,
    _folder: TempDir,
}

/// One process in the foreground, whose files are all in its folder.
const NGINX: &str = "
daemon off;
master_process off;
pid FOLDER/pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
";

impl Proxy {
    /// nginx. `http` is what its block of that name says: it listens on `FRONT`, and `SERVERS` stands for the upstream's.
    pub(crate) fn nginx(services: [SocketAddr; 2], http: &str) -> Self {
        let servers = services.map(|address| format!("server {address};")).join("\n        ");
        let args = ["-e", "stderr", "-p", "FOLDER", "-c", "FOLDER/configuration"];
        Self::start("nginx", "/usr/sbin/nginx", &args, &format!("{NGINX}{}}}\n", http.replace("SERVERS", &servers)))
    }

    /// HAProxy. It binds to `FRONT`, and `SERVERS` stands for the backend's.
    pub(crate) fn haproxy(services: [SocketAddr; 2], configuration: &str) -> Self {
        let servers = services.map(|address| format!("server s{} {address}", address.port())).join("\n    ");
        let args = ["-db", "-f", "FOLDER/configuration"];
        Self::start("haproxy", "/usr/sbin/haproxy", &args, &configuration.replace("SERVERS", &servers))
    }

    /// Starts a program with its configuration, in which `FOLDER` and `FRONT` are filled in.
    fn start(name: &str, program: &str, args: &[&str], configuration: &str) -> Self {
        let folder = TempDir::with_prefix("graceful-proxy-").expect("a temporary directory");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let path = folder.path().to_str().expect("a path of ASCII");
        let fill = |text: &str| text.replace("FOLDER", path).replace("FRONT", &address.to_string());
        fs::write(folder.path().join("configuration"), fill(configuration)).expect("it can be written");
        let mut service = Service::program(name, program).args(args.iter().map(|arg| fill(arg)));
        if nix::unistd::geteuid().is_root() {
            give_away(folder.path());
            let nobody = format!("{NOBODY}");
            service =
                service.under(["setpriv", "--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--no-new-privs"]);
        }
        let process = service.directory(folder.path()).spawn();
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(!process.has_ended() && Instant::now() < deadline, "it does not listen; {process}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { address, process, _folder: folder }
    }
}

const NOBODY: u32 = 65534;

fn give_away(folder: &Path) {
    let nobody = (Some(nix::unistd::Uid::from_raw(NOBODY)), Some(nix::unistd::Gid::from_raw(NOBODY)));
    for path in [folder.to_owned(), folder.join("configuration")] {
        nix::unistd::chown(&path, nobody.0, nobody.1).expect("root may");
    }
}

/// Below those that the kernel gives to clients, so that nobody takes it meanwhile.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 500) as u16 * 20;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 2000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// What became of a load through the proxy, one backend of which was told to stop in the middle.
pub(crate) struct Rolled {
    pub(crate) seen: Outcome,
    /// The one that was told to stop, and the other.
    pub(crate) exits: [Exit; 2],
}

/// Two services behind a proxy. One of them is told to stop under load; the other keeps serving.
pub(crate) fn roll(proxy: impl FnOnce([SocketAddr; 2]) -> Proxy) -> Rolled {
    let [first, second] = [(), ()].map(|()| http().env("SHUTDOWN_LAME_DUCK", LAME_DUCK).start());
    let proxy = proxy([first.address(), second.address()]);
    let mut client = Http::connect(proxy.address).expect("it listens");
    client.get("/things/through").expect(200, "GET through\n");
    drop(client);
    let load = Pattern::KeepAlive { pipeline: 1 };
    let pause = Duration::from_millis(1);
    let clients = |count, request: Request| Clients::new(count, load.clone()).pause(pause).request(request);
    let drill = Drill::new(proxy.address)
        .group("get", clients(16, Request::get("/").expect_body("hello\n")))
        .group("post", clients(8, Request::post("/sum", "[1, 2]").expect_body("3")))
        .group("slow", clients(8, Request::get("/work?ms=30").expect_body("done\n")))
        .warm_up(Duration::from_secs(1))
        // The proxy goes on for ever, so this is the end of the load: the first service has long left by then.
        .deadline(Duration::from_secs(4));
    let seen = drill.run(|| first.signal(Signal::SIGTERM)).expect("it runs");
    let first = first.wait(PATIENCE);
    let proxy = proxy.process.stop();
    let second = second.stop();
    assert_eq!(seen.losses(), 0, "{seen}\n{first}\n{proxy}");
    assert_eq!(seen.total.counts.status(graceful_drill::Status::Success), seen.total.counts.attempts(), "{seen}");
    for exit in [&first, &second] {
        exit.expect_code(0).expect_outcome("clean").expect_served(exit.connections("accepted"));
        exit.expect_answered(received(exit));
    }
    // The one that goes on does so on connections that are kept.
    assert!(second.connections("accepted") < received(&second) / 5, "{second}");
    Rolled { seen, exits: [first, second] }
}

fn received(exit: &Exit) -> u64 {
    exit.report()["requests"]["received"].as_u64().unwrap_or_else(|| panic!("requests are counted: {exit}"))
}
