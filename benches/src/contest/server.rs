//! A program that serves, for the time of one sample.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use std::{env, fs};

use graceful_benches::{Result, now};
use nix::sys::signal::{Signal, kill};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use super::candidate::{Candidate, Source, directory};
use crate::program::Program;

/// Something is wrong with a program that takes longer to start.
const START: Duration = Duration::from_secs(5);

/// One that has not ended by then does not end.
pub(crate) const ENDLESS: Duration = Duration::from_secs(10);

/// Ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    program: Program,
    pub(crate) address: SocketAddr,
    stop: Signal,
    /// It has processes of its own, which would survive it.
    family: bool,
}

impl Server {
    pub(crate) fn start(candidate: &Candidate) -> Result<Self> {
        let server = match &candidate.source {
            Source::Nginx => Self::nginx(candidate)?,
            Source::Program(path) => {
                let mut command = Command::new(path);
                command.env_clear().env("ADDR", "127.0.0.1:0").env("ADMIN_ADDR", "127.0.0.1:0");
                command.envs(candidate.environment.iter().cloned());
                let mut program = Program::run(command)?;
                let line = program.line()?;
                let address = line.strip_prefix("listening on http://").ok_or("it does not say where it listens")?;
                Self { address: address.parse()?, program, stop: candidate.stop, family: false }
            }
        };
        server.await_client()?;
        Ok(server)
    }

    /// Its configuration has no port 0, so it gets one that is free.
    fn nginx(candidate: &Candidate) -> Result<Self> {
        let folder = directory("http")?.join("nginx");
        fs::create_dir_all(folder.join("temporary"))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        fs::write(folder.join("nginx.conf"), NGINX.replace("{address}", &address.to_string()))?;
        let mut command = Command::new("nginx");
        let path = env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]);
        Ok(Self { program: Program::run(command)?, address, stop: candidate.stop, family: true })
    }

    /// Where it says in its second line that operators are welcome.
    pub(crate) fn admin(&mut self) -> Result<SocketAddr> {
        let line = self.program.line()?;
        let address = line.strip_prefix("admin on http://").ok_or("it does not say where operators are welcome")?;
        Ok(address.parse()?)
    }

    fn await_client(&self) -> Result<()> {
        let began = Instant::now();
        while let Err(error) = TcpStream::connect(self.address) {
            if began.elapsed() > START {
                return Err(format!("nobody can connect: {error}").into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Processor seconds that it has used, in all its threads and processes.
    pub(crate) fn processor_time(&self) -> Result<f64> {
        self.processes()?.into_iter().try_fold(0.0, |sum, pid| {
            let time = clock_getcpuclockid(pid)?.now()?;
            Ok(sum + time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
        })
    }

    /// Resident bytes, in all its processes.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let mut memory = Memory { resident: 0.0, proportional: 0.0 };
        for pid in self.processes()? {
            memory.resident += field(&format!("/proc/{pid}/status"), "VmRSS:")?;
            memory.proportional += field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")?;
        }
        Ok(memory)
    }

    /// Sends the signal that ends it well, and tells when: the time is taken just before.
    pub(crate) fn stop(&self) -> Result<u64> {
        let sent = now();
        kill(self.program.pid(), self.stop)?;
        Ok(sent)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        let ended = self.program.has_ended();
        // Its number may be another's from now on.
        self.family &= !ended;
        ended
    }

    /// It does nothing any more until it is released.
    pub(crate) fn hold(&self) -> Result<()> {
        self.signal_all(Signal::SIGSTOP)
    }

    pub(crate) fn release(&self) -> Result<()> {
        self.signal_all(Signal::SIGCONT)
    }

    /// From just before the signal until it has ended, in seconds; nothing if it does not end.
    pub(crate) fn end(self) -> Result<Option<f64>> {
        let sent = self.stop()?;
        self.await_end(sent)
    }

    /// The same, with its clients at work meanwhile. They are told when the signal was sent.
    pub(crate) fn end_during<T>(self, clients: impl FnOnce(u64) -> Result<T>) -> Result<(Option<f64>, T)> {
        let sent = self.stop()?;
        thread::scope(|scope| {
            let end = scope.spawn(move || self.await_end(sent).map_err(|error| error.to_string()));
            let found = clients(sent);
            let end = end.join().map_err(|_| "who waits for the end panicked")??;
            Ok((end, found?))
        })
    }

    fn await_end(mut self, sent: u64) -> Result<Option<f64>> {
        let pid = self.program.pid();
        let (ended, has_ended) = mpsc::channel::<()>();
        // It is not reaped before `wait`, so the number is its own until then.
        let watchdog = thread::spawn(move || match has_ended.recv_timeout(ENDLESS) {
            Err(mpsc::RecvTimeoutError::Timeout) => kill(pid, Signal::SIGKILL).is_err(),
            _ => true,
        });
        let at = self.program.wait()?;
        self.family = false;
        drop(ended);
        let by_itself = watchdog.join().map_err(|_| "the watchdog panicked")?;
        Ok(by_itself.then_some(at.saturating_sub(sent) as f64 / 1e9))
    }

    fn signal_all(&self, signal: Signal) -> Result<()> {
        self.processes()?.into_iter().try_for_each(|pid| Ok(kill(pid, signal)?))
    }

    fn processes(&self) -> Result<Vec<Pid>> {
        let mut all = vec![self.program.pid()];
        let mut next = 0;
        while let Some(pid) = all.get(next).copied() {
            next += 1;
            for child in fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?.split_whitespace() {
                all.push(Pid::from_raw(child.parse()?));
            }
        }
        Ok(all)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.family && kill(self.program.pid(), Signal::SIGTERM).is_ok() {
            drop(self.program.wait());
        }
    }
}

/// In bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// What is shared with others only in part.
    pub(crate) proportional: f64,
}

/// A number of kibibytes in a file of the kernel's, as bytes.
fn field(path: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(path)?;
    let number = text.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.split_whitespace().next());
    Ok(number.ok_or_else(|| format!("{path} has {name}"))?.parse::<f64>()? * 1024.0)
}

const NGINX: &str = "\
daemon off;
worker_processes auto;
pid nginx.pid;
events { worker_connections 16384; }
http {
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    server {
        listen {address} backlog=4096;
        location / { return 200 \"Hello, World!\"; }
    }
}
";
