//! The threads that lead event loops, and those that wait to.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use super::core::Core;
use super::desk::Desk;
use super::event_loop::{self, Led, Loop};
use super::reactor::Reactor;
use super::turn::Buffers;
use crate::channel::{Receiver, Sender, channel};
use crate::sync::lock;
use crate::{clock, sys, threads};

/// How many loops may be lost to handlers at a time: beyond it, a loop waits for its handler. Every lost thread has taught
/// the engine that one route blocks, so that many are lost only if many routes block for the first time at once.
const MOST_LOST: usize = 64;

/// How long the end waits for a thread whose loop has ended: a scheduling delay, not work.
const LEAVING: Duration = Duration::from_millis(50);

pub(super) struct Crew {
    state: Mutex<State>,
    hand_over: Receiver<Lead>,
}

struct State {
    /// `None` at the end.
    sender: Option<Sender<Lead>>,
    threads: Vec<JoinHandle<()>>,
    started: usize,
    /// Threads that wait for a loop to lead.
    spare: usize,
    /// Threads that have lost their loop and have not come back from their session.
    lost: Vec<(ThreadId, Arc<Desk>)>,
}

struct Lead {
    this: Arc<Loop>,
    reactor: Box<Reactor>,
}

impl Crew {
    pub(super) fn new() -> Self {
        let (sender, hand_over) = channel();
        let state = State { sender: Some(sender), threads: Vec::new(), started: 0, spare: 0, lost: Vec::new() };
        Self { state: Mutex::new(state), hand_over }
    }

    /// Sees to it that so many threads wait for a loop.
    pub(super) fn have_spares(&self, core: &Arc<Core>, wanted: usize) -> io::Result<()> {
        let mut state = self.state();
        while state.spare < wanted {
            if state.sender.is_none() || state.lost.len() >= MOST_LOST {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            let name = format!("gf-loop-{}", state.started);
            let receiver = self.hand_over.clone();
            let core = Arc::clone(core);
            let handle = threads::spawn(&name, move || work(&core, &receiver))?;
            state.started += 1;
            state.threads.retain(|thread| !thread.is_finished());
            state.threads.push(handle);
            // Counted now, so that the next one is started for the next loop.
            state.spare += 1;
        }
        Ok(())
    }

    /// Has a spare thread lead a loop from now on.
    pub(super) fn hand(&self, this: &Arc<Loop>, reactor: Box<Reactor>) {
        let mut state = self.state();
        if let Some(sender) = &state.sender {
            // The receiver lives as long as this does.
            sender.send(Lead { this: Arc::clone(this), reactor });
            state.spare -= 1;
        }
    }

    /// A thread that has lost its loop wants to wait for another. One in reserve is enough.
    fn stays(&self) -> bool {
        let mut state = self.state();
        let stays = state.spare == 0;
        state.spare += usize::from(stays);
        stays
    }

    /// A session holds this desk's thread, and its loop is led by another.
    pub(super) fn lost(&self, desk: Arc<Desk>) {
        let owner = desk.owner();
        self.state().lost.push((owner, desk));
    }

    /// The session has come back.
    pub(super) fn found_again(&self, desk: &Arc<Desk>) {
        self.state().lost.retain(|(_, lost)| !Arc::ptr_eq(lost, desk));
    }

    /// Which threads are in which connection's session though their loop is led by another: the connection's number and the
    /// kernel's of the thread. Those that drop something are in none.
    pub(super) fn serving(&self) -> Vec<(u64, u64)> {
        self.state().lost.iter().map(|(_, desk)| desk.serving()).filter(|(connection, _)| *connection != 0).collect()
    }

    /// Ends and joins the threads that are not held by a session. The loops have ended.
    pub(super) fn close(&self) {
        let (threads, held) = {
            let mut state = self.state();
            state.sender = None;
            let held: Vec<ThreadId> = state.lost.iter().map(|(thread, _)| *thread).collect();
            (std::mem::take(&mut state.threads), held)
        };
        let until = clock::now().checked_add(LEAVING);
        for handle in threads {
            let id = handle.thread().id();
            // The runtime may be dropped by what a handler owned, and nobody can wait for himself.
            if held.contains(&id) || id == thread::current().id() {
                continue;
            }
            while !handle.is_finished() && until.is_some_and(|until| !clock::until(until).is_zero()) {
                thread::sleep(Duration::from_micros(50));
            }
            if handle.is_finished() {
                // It catches what it runs of others, so there is no panic to be passed on.
                drop(handle.join());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock.
        lock(&self.state)
    }
}

/// The life of a thread: it leads whatever it is given, until nobody gives it anything any more.
fn work(core: &Arc<Core>, loops: &Receiver<Lead>) {
    sys::block_signals();
    let mut buffers = Buffers::new();
    while let Some(Lead { this, reactor }) = loops.recv() {
        match event_loop::lead(core, &this, reactor, &mut buffers) {
            Led::Lost if core.crew.stays() => {}
            Led::Ended | Led::Lost => return,
        }
    }
}
