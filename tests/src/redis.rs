//! A Redis server of one's own.

use std::io;
use std::path::Path;

use graceful::redis::redis::{Client, Connection, RedisResult, cmd};

use crate::daemon::{Daemon, free_port};

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
        let args = ARGS.into_iter().chain(["--port", &number]).chain(more.iter().copied());
        Self { daemon: Daemon::start("redis-server", args, ready), port }
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

    /// The process, which can be frozen, killed and started again.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
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
}

fn ready(folder: &Path) -> io::Result<()> {
    match connect(&format!("redis+unix://{}", folder.join("socket").display())) {
        // It wants a password: it is there.
        Err(error) if error.to_string().contains("NOAUTH") => Ok(()),
        // One that is reading its data says so, and is not ready.
        Err(error) => Err(io::Error::other(error)),
        Ok(_) => Ok(()),
    }
}

fn connect(url: &str) -> RedisResult<Connection> {
    let mut connection = Client::open(url)?.get_connection()?;
    cmd("PING").exec(&mut connection)?;
    Ok(connection)
}
