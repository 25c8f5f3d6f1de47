//! How many connections each peer has.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Limits the connections of each peer. A trait, so that only servers with such a limit contain what keeps it.
pub(super) trait PeerLimit: fmt::Debug + Send + Sync {
    /// Counts one more connection of a peer; `false` when it is one too many, and was not counted.
    fn enter(&self, peer: IpAddr) -> bool;

    /// One that was counted is gone.
    fn leave(&self, peer: IpAddr);
}

/// The connections that are open, by peer.
#[derive(Debug)]
pub(super) struct Peers {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl Peers {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PeerLimit for Peers {
    fn enter(&self, peer: IpAddr) -> bool {
        let mut open = self.open();
        let count = open.get(&peer).copied().unwrap_or(0);
        if count >= self.most {
            return false;
        }
        open.insert(peer, count + 1);
        true
    }

    fn leave(&self, peer: IpAddr) {
        let mut open = self.open();
        if let Some(count) = open.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_its_own_count() {
        let peers = Peers::new(2);
        let [one, other] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        assert!(peers.enter(one) && peers.enter(one) && peers.enter(other));
        assert!(!peers.enter(one));
        peers.leave(one);
        assert!(peers.enter(one) && !peers.enter(one));
        for peer in [one, one, other] {
            peers.leave(peer);
        }
        assert!(peers.open().is_empty());
    }
}
