//! The file of a Unix socket: made, replaced when nobody answers on it, and removed if it is still ours.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode, so that the file of a successor is not taken for ours.
    identity: (u64, u64),
}

impl SocketFile {
    pub(super) fn bind(path: PathBuf) -> io::Result<(UnixListener, Self)> {
        let listener = match UnixListener::bind(&path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(&path)?;
                UnixListener::bind(&path)?
            }
            result => result?,
        };
        let made = fs::symlink_metadata(&path)?;
        // The working directory may change before the file is to be removed.
        let path = if path.is_absolute() { path } else { std::env::current_dir()?.join(path) };
        Ok((listener, Self { path, identity: (made.dev(), made.ino()) }))
    }

    pub(super) fn remove(&self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours {
            // If it cannot be removed, the next start replaces it.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Removes a socket file that nobody answers on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let in_use = |why: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return in_use("a file that is not a socket is in the way"),
        Ok(_) => {}
        // Whoever had it has just removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    // mio's connect does not block: the standard library's waits for as long as the other side's queue is full.
    match mio::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        // Connected, or its queue is full: somebody is there.
        _ => in_use("a process answers on this socket"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path, words: &str) {
        match SocketFile::bind(path.to_owned()) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
                assert!(error.to_string().contains(words), "{error}");
            }
            Ok(_) => panic!("{} was taken", path.display()),
        }
    }

    #[test]
    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().expect("writable");
        let path = directory.path().join("s");
        drop(UnixListener::bind(&path).expect("free"));
        let (_listener, file) = SocketFile::bind(path.clone()).expect("stale");
        refused(&path, "answers");
        file.remove();
        assert!(!path.exists());
    }

    #[test]
    fn only_sockets_are_replaced() {
        let directory = tempfile::tempdir().expect("writable");
        let path = directory.path().join("s");
        fs::write(&path, "precious").expect("writable");
        refused(&path, "not a socket");
        assert_eq!(fs::read_to_string(&path).expect("there"), "precious");
    }

    #[test]
    fn the_file_of_a_successor_stays() {
        let directory = tempfile::tempdir().expect("writable");
        let path = directory.path().join("s");
        let (_listener, file) = SocketFile::bind(path.clone()).expect("free");
        fs::rename(&path, directory.path().join("away")).expect("writable");
        let _successor = UnixListener::bind(&path).expect("free");
        file.remove();
        assert!(path.exists());
    }
}
