//! The run: one thread, one poll, all clients.

mod client;
mod connection;
mod course;
mod leave;
mod loss;
mod receive;
mod tally;
mod timers;

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use crate::pattern::{Begin, Pattern};
use crate::plan::Plan;
use crate::{Loss, Offset, Outcome, Service, clock};

use client::{Client, State};
use course::{Course, Stage};
use tally::{Instants, Noted};

/// So many clients get into position at the same time: less than what the queue of any listener holds.
const AT_ONCE: usize = 64;
/// Clients in the accept queue are in position within moments, or there is no room for them.
const QUEUED_WITHIN: Duration = Duration::from_secs(2);
/// How often the service is asked whether it has ended.
const INQUIRY: Duration = Duration::from_millis(5);
/// How long clients go on when it has. All of them are told by the kernel at once, but one may be in a pause.
const AFTERMATH: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Driver {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    course: Course,
    /// Clients that begin as soon as there is room.
    waiting: VecDeque<usize>,
    next_sweep: Instant,
    target: String,
    load: Duration,
    lead: Duration,
    deadline: Duration,
}

/// The clients of storms, with how long before the signal the first half of them connects, and how long after it the other.
#[derive(Debug, Default)]
struct Crowd {
    early: Vec<(usize, Duration)>,
    late: Vec<(usize, Duration)>,
}

impl Driver {
    pub(crate) fn new(plan: Plan) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let mut clients = Vec::new();
        for (at, group) in plan.groups.iter().enumerate() {
            for number in 0..group.clients {
                clients.push(Client::new(clients.len(), at, number, group.rounds));
            }
        }
        Ok(Self {
            poll,
            // Room for all that can happen in a turn: who is left out would seem to wait.
            events: Events::with_capacity(clients.len().max(1)),
            clients,
            course: Course::new(registry, plan.place, plan.patience, plan.groups),
            waiting: VecDeque::new(),
            next_sweep: clock::now(),
            target: plan.target,
            load: plan.load,
            lead: plan.lead,
            deadline: plan.deadline,
        })
    }

    /// With a signal.
    pub(crate) fn run(mut self, service: &mut impl Service) -> io::Result<Outcome> {
        let began = clock::now();
        let (load_began, load_ended) = self.measure(began)?;
        self.approach(service)?;
        let signalled = self.signal(service)?;
        self.stop(service, clock::after(signalled, self.deadline))?;
        let ended = self.settle()?;
        let instants = Instants { load_began, load_ended, signal: Some(signalled) };
        Ok(self.outcome(began, ended, instants))
    }

    /// Without one.
    pub(crate) fn load(mut self) -> io::Result<Outcome> {
        let began = clock::now();
        let (load_began, load_ended) = self.measure(began)?;
        let ended = self.settle()?;
        Ok(self.outcome(began, ended, Instants { load_began, load_ended, signal: None }))
    }

    /// Opens connections, then drives the load.
    fn measure(&mut self, began: Instant) -> io::Result<(Instant, Instant)> {
        self.waiting = self.beginning(Begin::Opening);
        let opening_until = clock::after(began, self.course.patience);
        self.turn_until(opening_until, Self::is_in_position)?;
        self.course.stage = Stage::Load;
        let load_began = clock::now();
        for client in &mut self.clients {
            client.begin_load(&mut self.course, load_began);
        }
        let load_ended = self.turn_until(clock::after(load_began, self.load), Self::is_load_over)?;
        Ok((load_began, load_ended))
    }

    /// Gets everyone to where they have to be when the signal comes.
    fn approach(&mut self, service: &mut impl Service) -> io::Result<()> {
        self.course.stage = Stage::Approach;
        self.waiting = self.beginning(Begin::Approach);
        if !self.waiting.is_empty() {
            let until = clock::after(clock::now(), self.course.patience);
            let there = self.turn_until(until, Self::is_in_position)?;
            self.turn_until(clock::after(there, self.lead), |_| false)?;
        }
        service.prepare();
        let now = clock::now();
        for id in self.beginning(Begin::Queue) {
            self.clients[id].take_position(&mut self.course, now);
        }
        self.turn_until(now + QUEUED_WITHIN, Self::is_in_position)?;
        Ok(())
    }

    /// Gives the signal, in the middle of the storm if there is one.
    fn signal(&mut self, service: &mut impl Service) -> io::Result<Instant> {
        let Crowd { early, late } = self.crowd();
        let began = clock::now();
        let middle = early.iter().map(|(_, ahead)| *ahead).max().unwrap_or_default();
        for (id, ahead) in early {
            self.clients[id].wake_at(&mut self.course, clock::after(began, middle - ahead));
        }
        if !middle.is_zero() {
            self.turn_until(clock::after(began, middle), |_| false)?;
        }
        self.wake(clock::now());
        for client in &mut self.clients {
            client.note_signal(&self.course);
        }
        let signalled = clock::now();
        self.course.signal = Some(signalled);
        self.course.stage = Stage::Stopping;
        service.signal();
        for (id, behind) in late {
            self.clients[id].wake_at(&mut self.course, clock::after(signalled, behind));
        }
        self.wake(clock::now());
        for client in &mut self.clients {
            client.signalled(&mut self.course, signalled);
        }
        Ok(signalled)
    }

    fn crowd(&self) -> Crowd {
        let mut crowd = Crowd::default();
        for client in &self.clients {
            let group = &self.course.groups[client.group];
            let Pattern::Storm { spread } = group.pattern else { continue };
            // Seen from the signal, in parts of the spread: from -0.5 to 0.5.
            let at = (client.number as f64 + 0.5) / group.clients as f64 - 0.5;
            let half = if at < 0.0 { &mut crowd.early } else { &mut crowd.late };
            half.push((client.id, spread.mul_f64(at.abs())));
        }
        crowd
    }

    /// The clients go on, until all of them have ended or the service has.
    fn stop(&mut self, service: &mut impl Service, until: Instant) -> io::Result<()> {
        loop {
            let now = clock::now();
            if self.is_over() || now >= until {
                return Ok(());
            }
            if service.has_ended() {
                self.turn_until((now + AFTERMATH).min(until), Self::is_over)?;
                return Ok(());
            }
            self.turn_until((now + INQUIRY).min(until), Self::is_over)?;
        }
    }

    /// Awaits what has been asked, and nothing else.
    fn settle(&mut self) -> io::Result<Instant> {
        let now = clock::now();
        self.course.stage = Stage::Settling;
        for client in &mut self.clients {
            client.settle(&mut self.course, now);
        }
        let ended = self.turn_until(clock::after(now, self.course.patience), Self::is_over)?;
        for client in &mut self.clients {
            client.give_up(&mut self.course, ended);
        }
        Ok(ended)
    }

    /// Turns until then, or until this holds. Whatever happened by then is seen, however late this thread is.
    fn turn_until(&mut self, until: Instant, holds: impl Fn(&Self) -> bool) -> io::Result<Instant> {
        loop {
            let now = clock::now();
            self.wake(now);
            self.admit(now);
            if let Some(failure) = self.course.failure.take() {
                return Err(failure);
            }
            if holds(self) {
                return Ok(now);
            }
            let next = self.course.timers.next().map_or(until, |next| next.min(until)).min(self.next_sweep);
            self.turn(next.saturating_duration_since(now))?;
            self.sweep(now);
            if now >= until {
                return Ok(now);
            }
        }
    }

    /// Waits for what happens next, and deals with everything that has happened.
    fn turn(&mut self, timeout: Duration) -> io::Result<()> {
        let unfinished = mem::take(&mut self.course.unfinished);
        let timeout = if unfinished.is_empty() { timeout } else { Duration::ZERO };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.clear(),
            polled => polled?,
        }
        for event in &self.events {
            if let Some(client) = self.clients.get_mut(event.token().0) {
                client.ready(&mut self.course, event);
            }
        }
        for id in unfinished {
            self.clients[id].receive_all(&mut self.course);
        }
        Ok(())
    }

    fn is_in_position(&self) -> bool {
        self.waiting.is_empty() && self.course.taking_position == 0
    }

    /// There were loops, and all their rounds are done.
    fn is_load_over(&self) -> bool {
        self.course.looping == Some(0)
    }

    fn is_over(&self) -> bool {
        self.course.alive == 0
    }

    fn beginning(&self, begin: Begin) -> VecDeque<usize> {
        let begins = |client: &&Client| self.course.groups[client.group].pattern.begins() == begin;
        self.clients.iter().filter(begins).map(|client| client.id).collect()
    }

    fn wake(&mut self, now: Instant) {
        while let Some((at, id)) = self.course.timers.pop(now) {
            let client = &mut self.clients[id];
            if client.wake == Some(at) {
                client.wake(&mut self.course, now);
            }
        }
    }

    fn admit(&mut self, now: Instant) {
        while self.course.taking_position < AT_ONCE
            && let Some(id) = self.waiting.pop_front()
        {
            self.clients[id].take_position(&mut self.course, now);
        }
    }

    /// Looks for clients that have waited too long: up to an instant before all that was seen, since it may be this thread
    /// that is late.
    fn sweep(&mut self, now: Instant) {
        if now < self.next_sweep {
            return;
        }
        for client in &mut self.clients {
            client.expire(&mut self.course, now);
        }
        let interval = self.course.patience / 16;
        self.next_sweep = now + interval.clamp(Duration::from_millis(1), Duration::from_millis(100));
    }

    fn outcome(self, began: Instant, ended: Instant, instants: Instants) -> Outcome {
        debug_assert!(self.clients.iter().all(|client| client.state == State::Ended));
        let Course { groups, tallies, noted, starved, .. } = self.course;
        let groups: Vec<_> = groups.iter().zip(&tallies).map(|(group, tally)| tally.outcome(group, instants)).collect();
        let zero = instants.signal.unwrap_or(began);
        Outcome {
            target: self.target,
            total: tally::total(&tallies, &groups),
            first_losses: noted.into_iter().map(|noted| loss_of(noted, &groups, zero)).collect(),
            groups,
            signal: instants.signal.map(|signal| signal.saturating_duration_since(began)),
            took: ended.saturating_duration_since(began),
            starved,
        }
    }
}

fn loss_of(noted: Noted, groups: &[crate::GroupOutcome], zero: Instant) -> Loss {
    let offset = |instant: Instant| match instant.checked_duration_since(zero) {
        Some(after) => Offset::After(after),
        None => Offset::Before(zero.saturating_duration_since(instant)),
    };
    Loss {
        group: groups[noted.group].name.clone(),
        client: noted.client,
        class: noted.class,
        sent: noted.sent,
        on: noted.on,
        local_port: noted.local_port,
        bytes_sent: noted.bytes_sent,
        bytes_received: noted.bytes_received,
        began: offset(noted.began),
        noticed: offset(noted.noticed),
        error: noted.error,
    }
}
