//! Why the service ends, and the signals that may say so.

use std::fmt;

/// A signal that the runtime listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Ctrl-Break, on Windows only.
    Break,
    /// `SIGHUP`: the terminal went away, or an operator wants a reload.
    Hup,
    /// `SIGINT`: Ctrl-C.
    Int,
    /// `SIGQUIT`: Ctrl-\.
    Quit,
    /// `SIGTERM`: supervisors and orchestrators; on Windows the console is closed, the user logs off or the system goes down.
    Term,
    /// `SIGUSR2`: process managers.
    Usr2,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Break, Self::Hup, Self::Int, Self::Quit, Self::Term, Self::Usr2];

    /// The name: `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Break => "SIGBREAK",
            Self::Hup => "SIGHUP",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Term => "SIGTERM",
            Self::Usr2 => "SIGUSR2",
        }
    }

    /// The number on Linux, which is `n` of the exit code `128 + n` on every platform.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Break => 21,
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Term => 15,
            Self::Usr2 => 12,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    /// Nothing.
    Ignore,
    /// Runs the reload hooks.
    Reload,
    /// Requests the shutdown; again, hastens it; once more, ends the process.
    Shutdown,
}

/// Who sent a signal, as the kernel tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Process id; 0 when the sender is outside this pid namespace, or the terminal.
    pub pid: u32,
    /// Its real user id.
    pub uid: u32,
}

/// Why the service shuts down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `main` returned an error.
    MainFailed(String),
    /// `main` panicked.
    MainPanicked(String),
    /// `main` returned and had started nothing: the work is done.
    MainReturned,
    /// The program itself asked, in these words.
    Requested(String),
    /// A signal.
    Signal {
        /// Which.
        signal: Signal,
        /// From whom, where the platform tells.
        sender: Option<Sender>,
    },
    /// The start failed before or after `main` ran: a plan that cannot be kept, values provided twice.
    StartFailed(String),
    /// A task or thread whose failure is fatal returned an error.
    TaskFailed {
        /// Its name.
        task: String,
        /// The error.
        error: String,
    },
    /// A task or thread whose panic is fatal panicked.
    TaskPanicked {
        /// Its name.
        task: String,
        /// The panic's message.
        message: String,
    },
}

impl Reason {
    /// One word for logs and metrics: `signal`, `requested`, …
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::MainFailed(_) => "main_failed",
            Self::MainPanicked(_) => "main_panicked",
            Self::MainReturned => "main_returned",
            Self::Requested(_) => "requested",
            Self::Signal { .. } => "signal",
            Self::StartFailed(_) => "start_failed",
            Self::TaskFailed { .. } => "task_failed",
            Self::TaskPanicked { .. } => "task_panicked",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MainFailed(error) => write!(f, "main failed: {error}"),
            Self::MainPanicked(message) => write!(f, "main panicked: {message}"),
            Self::MainReturned => f.write_str("main returned"),
            Self::Requested(by) => write!(f, "requested by {by}"),
            Self::Signal { signal, sender: None } => write!(f, "{signal}"),
            Self::Signal { signal, sender: Some(Sender { pid, uid }) } => {
                write!(f, "{signal} from pid {pid} uid {uid}")
            }
            Self::StartFailed(error) => write!(f, "start failed: {error}"),
            Self::TaskFailed { task, error } => write!(f, "task {task} failed: {error}"),
            Self::TaskPanicked { task, message } => write!(f, "task {task} panicked: {message}"),
        }
    }
}
