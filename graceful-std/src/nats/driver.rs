//! The driver's thread: the only place where something is async.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::async_nats::{Client, ConnectError, ConnectOptions, Event, Message, StatusCode, Subscriber};
use crossbeam_channel::{Sender, TrySendError};
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use super::Error;
use super::ledger::Sent;
use super::shared::{Command, Feed, Link, Open, Reached, Shared};

/// How long a connection may take to be opened.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a silent server is asked whether it is there; the third time that it has not answered it is given up.
const PING_EVERY: Duration = Duration::from_secs(15);

/// The longest pause between two attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// `UNSUB` with a number that no server counts to: `nats-server` reads at most nine digits, and takes more for "at once", while
/// the driver goes on to pass on what is still on its way. Its own way to leave (`drain`) forgets the subscription when it is
/// next woken after it has written that, which may be before everything has come that the server had sent.
const AT_ONCE: u64 = u64::MAX;

/// What the last part of the inbox's subject is for questions whether the server has read everything.
const ECHO: &str = "echo";

/// The life of the thread.
pub(super) fn run(
    shared: &Arc<Shared>,
    servers: &[String],
    options: ConnectOptions,
    commands: mpsc::UnboundedReceiver<Command>,
    connected: &Sender<Result<(), Error>>,
) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(async {
                tokio::select! {
                    () = live(shared, servers, options, commands, connected) => {}
                    () = shared.quit.notified() => {}
                }
            });
            // A name that is being resolved is not waited for.
            runtime.shutdown_background();
        }
        Err(error) => drop(connected.send(Err(Error::Thread(error)))),
    }
    shared.change(|state| {
        state.open = Open::Ended;
        state.link = Link::Down;
        state.barriers.clear();
        state.feeds.iter().for_each(|feed| feed.note_ended());
    });
}

async fn live(
    shared: &Arc<Shared>,
    servers: &[String],
    options: ConnectOptions,
    commands: mpsc::UnboundedReceiver<Command>,
    connected: &Sender<Result<(), Error>>,
) {
    let opened = match connect(shared, servers, options).await {
        Ok(client) => {
            let inbox = client.new_inbox();
            let subscribed = client.subscribe(format!("{inbox}.*")).await;
            subscribed.map(|subscriber| (client, inbox, subscriber)).map_err(|error| Error::Refused(error.to_string()))
        }
        Err(error) => Err(Error::Connect { address: shared.address.clone(), source: error.into() }),
    };
    match opened {
        Ok((client, inbox, subscriber)) => {
            // It is set once, here.
            drop(shared.client.set(client.clone()));
            drop(connected.send(Ok(())));
            let driver = Driver { shared, client, inbox, requests: HashMap::new(), token: 0 };
            driver.drive(subscriber, commands).await;
        }
        Err(error) => drop(connected.send(Err(error))),
    }
}

async fn connect(shared: &Arc<Shared>, servers: &[String], options: ConnectOptions) -> Result<Client, ConnectError> {
    let theirs = Arc::clone(shared);
    let options = options.connection_timeout(CONNECT_TIMEOUT).event_callback(move |event| {
        note(&theirs, &event);
        std::future::ready(())
    });
    options.connect(servers).await
}

/// What is set unless the user sets it.
pub(super) fn options() -> ConnectOptions {
    ConnectOptions::new().name("graceful").ping_interval(PING_EVERY).reconnect_delay_callback(|attempt| {
        let exponent = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        if attempt <= 1 {
            Duration::ZERO
        } else {
            Duration::from_millis(2_u64.saturating_pow(exponent)).min(LONGEST_PAUSE)
        }
    })
}

/// What the driver tells. It is called on its thread, right after it happened.
fn note(shared: &Shared, event: &Event) {
    let server = shared.address.as_str();
    match event {
        Event::Connected => {
            let before = shared.change(|state| std::mem::replace(&mut state.link, Link::Up));
            if before == Link::Down {
                log::info!(target: "graceful", server; "nats connection restored");
            }
        }
        Event::Disconnected => {
            let written =
                shared.client.get().map_or(0, |client| client.statistics().out_messages.load(Ordering::Relaxed));
            let may_be_lost = shared.change(|state| {
                state.link = Link::Down;
                let before = state.ledger.settled();
                state.ledger.lose(written);
                state.echo = state.echo.filter(|number| *number > written);
                state.barriers.drain(..).for_each(|(_, told)| _ = told.send(Reached::Lost));
                state.ledger.settled() - before
            });
            log::warn!(target: "graceful", server, may_be_lost; "nats connection lost");
        }
        Event::SlowConsumer(_) => {
            let dropped = shared.change(|state| {
                state.dropped += 1;
                state.dropped
            });
            if dropped.is_power_of_two() {
                log::warn!(target: "graceful", server, dropped; "nats subscription full");
            }
        }
        Event::LameDuckMode => log::info!(target: "graceful", server; "nats server stops"),
        Event::ServerError(error) => {
            let error = error.to_string();
            log::warn!(target: "graceful", server, error = error.as_str(); "nats server error");
        }
        other => {
            let event = other.to_string();
            log::debug!(target: "graceful", server, event = event.as_str(); "nats event");
        }
    }
    shared.kick.notify_one();
}

struct Driver<'a> {
    shared: &'a Arc<Shared>,
    client: Client,
    inbox: String,
    requests: HashMap<u64, Asked>,
    token: u64,
}

struct Asked {
    until: Instant,
    answer: Sender<Result<Message, Error>>,
}

impl Driver<'_> {
    async fn drive(mut self, mut inbox: Subscriber, mut commands: mpsc::UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                biased;
                message = inbox.next() => match message {
                    Some(message) => self.answered(message),
                    // The driver has given up.
                    None => return,
                },
                () = self.shared.kick.notified() => {}
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
            }
            let asks = {
                let state = self.shared.state();
                state.echo.is_none() && state.ledger.has_unconfirmed()
            };
            if asks {
                self.echo().await;
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Barrier(told) => {
                let number = self.next(Sent::Other);
                self.shared.state().barriers.push((number, told));
                self.ask(number).await;
            }
            Command::Publish { subject, reply, headers, payload } => {
                let bytes = payload.len();
                // It was checked when it was taken; the server may allow less by now.
                if bytes > self.client.max_payload() {
                    self.shared.change(|state| state.ledger.reject(bytes));
                    return;
                }
                self.next(Sent::Publish(bytes));
                let headers = headers.unwrap_or_default();
                let sent = match (reply, headers.is_empty()) {
                    (None, true) => self.client.publish(subject, payload).await,
                    (None, false) => self.client.publish_with_headers(subject, headers, payload).await,
                    (Some(reply), true) => self.client.publish_with_reply(subject, reply, payload).await,
                    (Some(reply), false) => {
                        self.client.publish_with_reply_and_headers(subject, reply, headers, payload).await
                    }
                };
                self.check(sent);
            }
            Command::Request { subject, payload, until, answer } => {
                self.requests.retain(|_, asked| asked.until > Instant::now());
                self.token += 1;
                self.requests.insert(self.token, Asked { until, answer });
                let reply = format!("{}.{}", self.inbox, self.token);
                self.next(Sent::Other);
                let sent = self.client.publish_with_reply(subject, reply, payload).await;
                self.check(sent);
            }
            Command::Subscribe { subject, group, feed, messages, done } => {
                let subscribed = match group {
                    Some(group) => self.client.queue_subscribe(subject, group).await,
                    None => self.client.subscribe(subject).await,
                };
                match subscribed {
                    Ok(subscriber) => {
                        tokio::spawn(pass_on(Arc::clone(self.shared), subscriber, feed, messages));
                        let (told, reached) = oneshot::channel();
                        let number = self.next(Sent::Other);
                        self.shared.state().barriers.push((number, told));
                        self.ask(number).await;
                        tokio::spawn(async move {
                            // Nobody waits for it any more when that took too long.
                            drop(done.send(match reached.await {
                                Ok(Reached::Yes) => Ok(()),
                                _ => Err(Error::Lost(0)),
                            }));
                        });
                    }
                    Err(error) => drop(done.send(Err(Error::Refused(error.to_string())))),
                }
            }
        }
    }

    fn next(&self, sent: Sent) -> u64 {
        self.shared.state().ledger.send(sent)
    }

    async fn echo(&mut self) {
        let number = self.next(Sent::Other);
        self.shared.state().echo = Some(number);
        self.ask(number).await;
    }

    /// Sends ourselves a message: when it comes, the server has read everything before it.
    async fn ask(&mut self, number: u64) {
        let sent = self.client.publish(format!("{}.{ECHO}", self.inbox), number.to_string().into()).await;
        self.check(sent);
    }

    /// An error means that the driver has ended, which it does when it is told to.
    fn check(&self, sent: Result<(), ::async_nats::PublishError>) {
        if let Err(error) = sent {
            let error = error.to_string();
            log::warn!(target: "graceful", server = self.shared.address.as_str(), error = error.as_str(); "nats message not sent");
        }
    }

    fn answered(&mut self, message: Message) {
        match message.subject.rsplit_once('.').map_or("", |(_, token)| token) {
            ECHO => {
                let number = std::str::from_utf8(&message.payload).ok().and_then(|text| text.parse().ok());
                if let Some(number) = number {
                    self.reached(number);
                }
            }
            token => {
                let asked = token.parse().ok().and_then(|token: u64| self.requests.remove(&token));
                if let Some(Asked { answer, .. }) = asked {
                    let nobody = message.status == Some(StatusCode::NO_RESPONDERS);
                    // Who asked may have gone.
                    drop(answer.send(if nobody { Err(Error::NoResponders) } else { Ok(message) }));
                }
            }
        }
    }

    fn reached(&mut self, number: u64) {
        self.shared.change(|state| {
            state.ledger.confirm(number);
            state.echo = state.echo.filter(|echo| *echo > number);
            let (reached, rest) = state.barriers.drain(..).partition(|(at, _)| *at <= number);
            state.barriers = rest;
            let reached: Vec<(u64, oneshot::Sender<Reached>)> = reached;
            reached.into_iter().for_each(|(_, told)| _ = told.send(Reached::Yes));
        });
    }
}

/// Brings the messages of a subscription to where the user takes them from, until the server sends no more.
async fn pass_on(shared: Arc<Shared>, mut subscriber: Subscriber, feed: Arc<Feed>, messages: Sender<Message>) {
    let mut last = None;
    loop {
        tokio::select! {
            biased;
            () = feed.leave.notified(), if last.is_none() => last = leave(&shared, &mut subscriber).await,
            // After the answer to that everything is here that the server has sent.
            _ = reached(&mut last) => {
                // Ends the messages after those that have come. An error means that they have ended already.
                drop(subscriber.unsubscribe().await);
                while let Some(message) = subscriber.next().await {
                    if hand_over(&shared, &feed, &messages, message).await.is_err() {
                        break;
                    }
                }
                break;
            }
            message = subscriber.next() => match message {
                Some(message) => {
                    if hand_over(&shared, &feed, &messages, message).await.is_err() {
                        break;
                    }
                }
                None => break,
            },
        }
    }
    drop(messages);
    feed.note_ended();
    shared.tell();
}

/// Has the server told to send no more; what is returned is told when it has heard it.
async fn leave(shared: &Shared, subscriber: &mut Subscriber) -> Option<oneshot::Receiver<Reached>> {
    let (told, reached) = oneshot::channel();
    if shared.state().link == Link::Down {
        // It knows of no subscription. `told` is dropped, which counts as an answer.
        return Some(reached);
    }
    // Both fail only when the driver has ended: then the messages end, too.
    drop(subscriber.unsubscribe_after(AT_ONCE).await);
    drop(shared.send(Command::Barrier(told)));
    Some(reached)
}

async fn reached(last: &mut Option<oneshot::Receiver<Reached>>) {
    match last {
        // Also when the connection broke: a server that is gone sends no more.
        Some(reached) => drop(reached.await),
        None => std::future::pending().await,
    }
}

/// Waits while there is no room, and so does the driver's queue after it.
async fn hand_over(shared: &Shared, feed: &Feed, messages: &Sender<Message>, message: Message) -> Result<(), ()> {
    let mut message = message;
    loop {
        feed.note_received();
        match messages.try_send(message) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Disconnected(_)) => {
                shared.tell();
                return Err(());
            }
            Err(TrySendError::Full(back)) => {
                feed.note_not_received();
                message = back;
                feed.room.notified().await;
            }
        }
    }
}
