//! A service as many are: it answers whatever it is asked, says that it is ready, and dies of the first signal.
#![forbid(unsafe_code)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use graceful_tests::fixture::say;

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    say(&format!("admin on http://{address}"));
    say(&format!("listening on http://{address}"));
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || answer(stream));
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    let read = stream.read(&mut bytes)?;
    if let Some((_, ms)) = String::from_utf8_lossy(&bytes[..read]).split_once("ms=") {
        let digits: String = ms.chars().take_while(char::is_ascii_digit).collect();
        thread::sleep(Duration::from_millis(digits.parse().unwrap_or_default()));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nready\n")
}
