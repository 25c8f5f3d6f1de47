//! A Redis server of one's own.

use std::io;

use graceful::redis::redis::{Client, Connection, RedisResult, cmd};

use crate::daemon::Daemon;

/// A `redis-server` on a Unix socket and a free port, which writes everything to disk before it answers.
#[derive(Debug)]
pub struct RedisServer {
    daemon: Daemon,
    port: u16,
}

/// With its settings in the environment of none of our processes.
const ARGS: [&str; 14] = [
    "--dir",
    "FOLDER",
    "--unixsocket",
    "FOLDER/socket",
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--daemonize",
    "no",
];

impl RedisServer {
    /// Starts one and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one that wants this password.
    #[track_caller]
    pub fn with_password(password: &str) -> Self {
        Self::with(&["--requirepass", password])
    }

    #[track_caller]
    fn with(more: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let args: Vec<&str> = ARGS.into_iter().chain(["--port", &number]).chain(more.iter().copied()).collect();
        let mut server = Self { daemon: Daemon::start("redis", "redis-server", &args), port };
        server.wait();
        server
    }

    /// Its address, by way of its Unix socket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.daemon.folder().join("socket").display())
    }

    /// Its address, by way of TCP.
    #[must_use]
    pub fn tcp_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The process.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// Starts it again after it was killed.
    #[track_caller]
    pub fn restart(&mut self) {
        self.daemon.start_again(&[]);
        self.wait();
    }

    /// A connection that has nothing to do with `graceful`.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> Connection {
        connect(&self.url()).expect("it answers")
    }

    /// What a list holds.
    #[must_use]
    #[track_caller]
    pub fn list(&self, key: &str) -> Vec<String> {
        cmd("LRANGE").arg(key).arg(0).arg(-1).query(&mut self.connect()).expect("it answers")
    }

    /// How many connections there are from `graceful`, as `CLIENT LIST` tells.
    #[must_use]
    #[track_caller]
    pub fn connections(&self) -> usize {
        let list: String = cmd("CLIENT").arg("LIST").query(&mut self.connect()).expect("it answers");
        list.lines().filter(|line| line.contains(" name=graceful ")).count()
    }

    #[track_caller]
    fn wait(&mut self) {
        self.daemon.wait_for(|folder| {
            let url = format!("redis+unix://{}", folder.join("socket").display());
            match connect(&url) {
                // It wants a password: it is there.
                Err(error) if error.is_io_error() => Err(io::Error::other(error)),
                Err(error) if error.to_string().contains("LOADING") => Err(io::Error::other(error)),
                _ => Ok(()),
            }
        });
    }
}

fn connect(url: &str) -> RedisResult<Connection> {
    let mut connection = Client::open(url)?.get_connection()?;
    cmd("PING").exec(&mut connection)?;
    Ok(connection)
}

/// One that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
