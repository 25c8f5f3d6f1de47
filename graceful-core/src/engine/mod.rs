//! Connections. stub
#![allow(missing_docs, dead_code, clippy::all)]
use std::sync::Arc; use std::net::TcpStream; use std::io; use std::time::Duration;
use crate::runtime::{stop::Stops, tickets::Tickets}; use crate::observe::Observer; use crate::error::*;
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts { pub accepted: u64, pub completed: u64, pub failed: u64, pub closed_idle: u64, pub cut: u64, pub refused: u64, pub handed_over: u64, pub still_open: u64 }
impl ConnectionCounts { pub fn balance(&self) -> bool { true } }
pub(crate) const TICKET: &str = "connections";
#[derive(Debug)] pub struct Address; impl From<&str> for Address { fn from(_: &str) -> Self { Address } }
#[derive(Clone, Debug)] pub struct LocalAddress;
#[derive(Debug)] pub struct Connection;
#[derive(Debug, Clone, Default)] pub(crate) struct Limits { pub(crate) workers: usize }
#[derive(Debug, Clone, Copy, PartialEq, Eq)] pub(crate) enum EngineEvent { ListenersStopped }
pub(crate) struct OpenConnection { pub(crate) peer: String, pub(crate) state: &'static str, pub(crate) age: Duration, pub(crate) thread: Option<u64> }
pub(crate) struct Open { pub(crate) connections: Vec<OpenConnection> }
pub(crate) struct Engine { events: Box<dyn Fn(EngineEvent)+Send+Sync> }
impl Engine {
 pub(crate) fn new(_: Arc<Stops>, _: Arc<Tickets>, _: Observer, _: Limits, events: impl Fn(EngineEvent)+Send+Sync+'static) -> Arc<Engine> { Arc::new(Engine { events: Box::new(events) }) }
 pub(crate) fn listen(&self, _: Address, _: Arc<dyn Fn(Connection) -> Result<(), BoxError> + Send + Sync>) -> Result<LocalAddress, StartError> { Ok(LocalAddress) }
 pub(crate) fn adopt(&self, _: TcpStream) -> io::Result<Connection> { Ok(Connection) }
 pub(crate) fn listeners(&self) -> Vec<LocalAddress> { vec![] }
 pub(crate) fn stop_listeners(&self) { (self.events)(EngineEvent::ListenersStopped) }
 pub(crate) fn cut(&self) -> u64 { 0 }
 pub(crate) fn counts(&self) -> ConnectionCounts { Default::default() }
 pub(crate) fn open(&self) -> Open { Open { connections: vec![] } }
 pub(crate) fn finish(&self) {}
}
