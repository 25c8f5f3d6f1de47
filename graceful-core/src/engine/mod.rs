//! Connections.
/// stub
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts { pub accepted: u64, pub completed: u64, pub failed: u64, pub closed_idle: u64, pub cut: u64, pub refused: u64, pub handed_over: u64, pub still_open: u64 }
impl ConnectionCounts { pub fn balance(&self) -> bool { true } }
