//! A service that ends when it is told to, by hand: nothing is tracked, nothing is bounded.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || stream.write_all(b"hello\n"));
        }
    });
    signals.forever().next();
    println!("goodbye");
    Ok(())
}
