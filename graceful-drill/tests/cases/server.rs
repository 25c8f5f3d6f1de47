//! A server that does with each connection what a test says.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// An answer of five bytes.
pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// The same, and the connection closes.
pub(crate) const GOODBYE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    listener: Option<TcpListener>,
    accepting: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    stopping: Mutex<bool>,
    stopped: Condvar,
    /// The address of the last connection that is accepted, and not served.
    last: OnceLock<SocketAddr>,
    requests: AtomicUsize,
    connections: Mutex<Vec<TcpStream>>,
}

/// One connection, on a thread of its own.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    ending: Ending,
    pub(crate) shared: Arc<Shared>,
}

/// How a connection ends when its handler returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing is lost of what was sent; the other direction stays open.
    Shutdown,
    Reset,
}

impl Server {
    pub(crate) fn start(handle: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared::default());
        let (handle, accepting) = (Arc::new(handle), listener.try_clone().expect("it can be cloned"));
        let accepting = thread::spawn({
            let shared = shared.clone();
            move || {
                while let Ok((stream, peer)) = accepting.accept() {
                    if shared.last.get() == Some(&peer) {
                        return;
                    }
                    let _ = stream.set_nodelay(true);
                    shared.connections().push(stream.try_clone().expect("it can be cloned"));
                    let mut connection =
                        Connection { reader: BufReader::new(stream), ending: Ending::Shutdown, shared: shared.clone() };
                    let handle = handle.clone();
                    // Errors are what clients and tests do to connections, and are none here.
                    thread::spawn(move || {
                        let _ = handle(&mut connection);
                        if connection.ending == Ending::Shutdown {
                            let _ = connection.stream().shutdown(Shutdown::Write);
                        }
                    });
                }
            }
        });
        Self { address, listener: Some(listener), accepting: Some(accepting), shared }
    }

    /// Answers every request, and closes as it should once it stops.
    pub(crate) fn correct() -> Self {
        Self::start(|connection| {
            while connection.request()?.is_some() {
                if connection.shared.is_stopping() {
                    return connection.send(GOODBYE);
                }
                connection.send(HELLO)?;
            }
            Ok(())
        })
    }

    /// Accepts who has connected by now, refuses new connections, then tells everyone that it stops.
    pub(crate) fn stop(&mut self) {
        if let (Some(listener), Some(accepting)) = (self.listener.take(), self.accepting.take()) {
            // The queue is in order: whoever came before this connection is accepted before it.
            let last = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket can be had");
            last.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port can be had");
            let address = last.local_addr().expect("it is bound").as_socket().expect("to an address");
            self.shared.last.set(address).expect("it stops once");
            last.connect(&self.address.into()).expect("the listener is open");
            assert!(accepting.join().is_ok() || thread::panicking(), "accepting does not panic");
            drop(listener);
        }
        *self.shared.stopping() = true;
        self.shared.stopped.notify_all();
    }

    /// Stops, and ends every connection.
    pub(crate) fn cut(&mut self) {
        self.stop();
        for connection in self.shared.connections().iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.listener.is_none()
    }

    /// How many requests were read so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Shared {
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping()
    }

    pub(crate) fn wait_for_stop(&self) {
        let stopping = self.stopping();
        drop(self.stopped.wait_while(stopping, |stopping| !*stopping).unwrap_or_else(PoisonError::into_inner));
    }

    fn stopping(&self) -> std::sync::MutexGuard<'_, bool> {
        self.stopping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// The head of the next request; `None` when the client has closed.
    pub(crate) fn head(&mut self) -> io::Result<Option<String>> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.reader.read_line(&mut head)? == 0 {
                return Ok(None);
            }
        }
        self.shared.requests.fetch_add(1, Ordering::SeqCst);
        Ok(Some(head))
    }

    /// The head of the next request, the body of which is read as well.
    pub(crate) fn request(&mut self) -> io::Result<Option<String>> {
        let Some(head) = self.head()? else { return Ok(None) };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        self.body(length.map_or(0, |length| length.parse().expect("a length")))?;
        Ok(Some(head))
    }

    pub(crate) fn body(&mut self, length: usize) -> io::Result<()> {
        self.reader.read_exact(&mut vec![0; length])
    }

    /// Nothing comes for so long.
    pub(crate) fn is_silent(&mut self, time: Duration) -> io::Result<bool> {
        self.stream().set_read_timeout(Some(time))?;
        let filled = self.reader.fill_buf().map(<[u8]>::len);
        self.stream().set_read_timeout(None)?;
        match filled {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(true),
            filled => filled.map(|_| false),
        }
    }

    /// Waits until the client closes.
    pub(crate) fn wait_for_client(&mut self) -> io::Result<()> {
        self.reader.read_to_end(&mut Vec::new()).map(drop)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// Ends the connection with a reset, once the handler returns.
    pub(crate) fn reset(&mut self) -> io::Result<()> {
        self.ending = Ending::Reset;
        // The clone that is kept for the cut would hold the socket open.
        let address = self.stream().peer_addr()?;
        self.shared.connections().retain(|stream| stream.peer_addr().is_ok_and(|peer| peer != address));
        SockRef::from(self.stream()).set_linger(Some(Duration::ZERO))
    }
}
