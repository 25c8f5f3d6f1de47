//! What the service's author writes.

use graceful_core::{BoxError, Returned};

use super::close::Closed;
use super::message::Message;
use super::socket::Socket;

/// One connection's side of an application: a value that lives as long as the connection.
///
/// Its functions are called one after the other, in the order in which things happened. They may block: a route whose
/// callbacks do is learned, and they are called on a worker then; whoever blocks by surprise holds up other connections for a
/// few milliseconds.
///
/// A closure that takes a [`Socket`] and a [`Message`] and returns nothing or a `Result` is a handler as well.
///
/// # Examples
/// ```
/// use graceful::websocket::{Closed, Handler, Message, Socket};
/// use graceful::BoxError;
///
/// #[derive(Default)]
/// struct Sum(u64);
///
/// impl Handler for Sum {
///     fn on_message(&mut self, socket: &Socket, message: Message) -> Result<(), BoxError> {
///         self.0 += message.as_text().unwrap_or_default().trim().parse::<u64>()?;   // an error closes with 1011
///         Ok(socket.send(self.0.to_string())?)
///     }
///
///     fn on_close(&mut self, socket: &Socket, closed: &Closed) {
///         println!("{} left with {closed}, at {}", socket.peer(), self.0);
///     }
/// }
/// ```
pub trait Handler: Send + 'static {
    /// The connection is open.
    ///
    /// # Errors
    /// Are logged, and the connection is closed with 1011. A panic does the same.
    fn on_open(&mut self, socket: &Socket) -> Result<(), BoxError> {
        let _ = socket;
        Ok(())
    }

    /// A message has come, also one that crosses our Close: what it is answered with then is refused with
    /// [`SendError::Closed`](super::SendError::Closed).
    ///
    /// # Errors
    /// As for [`on_open`](Handler::on_open).
    fn on_message(&mut self, socket: &Socket, message: Message) -> Result<(), BoxError>;

    /// The connection has ended, however it did. The last call, and exactly one if [`on_open`](Handler::on_open) was called.
    fn on_close(&mut self, socket: &Socket, closed: &Closed) {
        let _ = (socket, closed);
    }
}

impl<F, R> Handler for F
where
    F: FnMut(&Socket, Message) -> R + Send + 'static,
    R: Returned,
{
    fn on_message(&mut self, socket: &Socket, message: Message) -> Result<(), BoxError> {
        self(socket, message).into_result()
    }
}
