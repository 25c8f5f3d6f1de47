//! Running what is not ours: a panic must not take one of our threads with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::text::owned;

/// Runs user code; a panic comes back as its message.
///
/// What the code was at work on is not looked at again by the caller, which is why it may be asserted to be unwind safe.
///
/// # Errors
/// The panic's message.
pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(caught)
}

#[cold]
#[inline(never)]
fn caught(payload: Box<dyn Any + Send>) -> String {
    let text = message(&*payload);
    drop_quietly(payload);
    text
}

/// Drops what is not ours: its destructor may panic, and so may that of the panic's payload, which is then left alone.
pub fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        drop_payload(payload);
    }
}

#[cold]
#[inline(never)]
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| owned(text));
    text.or_else(|| payload.downcast_ref::<String>().map(|text| owned(text)))
        .unwrap_or_else(|| owned("a value that is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }

    #[test]
    fn whatever_is_thrown_comes_back_as_text() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        assert_eq!(catch(|| panic!("with {}", 2)), Err::<(), _>("with 2".to_owned()));
        assert_eq!(catch(|| std::panic::panic_any(3)), Err::<(), _>(owned("a value that is not text")));
        let thrown = catch(|| std::panic::panic_any(Bomb));
        assert_eq!(thrown, Err::<(), _>(owned("a value that is not text")));
    }
}
