//! A pool with a thread for each connection, by hand: how fast sleeping handlers can be, at the price of their threads.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

/// As many as the crowd that it is compared on.
const THREADS: usize = 1000;

/// A thread needs little.
const STACK: usize = 64 * 1024;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(peer::address())?;
    let (queue, connections) = mpsc::channel::<TcpStream>();
    let connections = Arc::new(Mutex::new(connections));
    for _ in 0..THREADS {
        let connections = Arc::clone(&connections);
        thread::Builder::new().stack_size(STACK).spawn(move || {
            loop {
                let next = connections.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(connection) = next else { return };
                // It fails when the client is gone.
                drop(serve(connection));
            }
        })?;
    }
    peer::announce(listener.local_addr()?)?;
    for connection in listener.incoming() {
        queue.send(connection?).map_err(io::Error::other)?;
    }
    Ok(())
}

fn serve(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1024, connection.try_clone()?);
    let mut line = String::new();
    loop {
        let mut query = None;
        let mut head = 0;
        loop {
            line.clear();
            head += reader.read_line(&mut line)?;
            if head == 0 {
                return Ok(());
            }
            if let Some(target) = line.strip_prefix("GET /work?") {
                query = Some(peer::work(target.split(' ').next().unwrap_or_default()));
            }
            if line == "\r\n" || line.is_empty() {
                break;
            }
        }
        if let Some(time) = query {
            thread::sleep(time);
        }
        connection
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")?;
    }
}
