use graceful::cleanup;

use std::cell::Cell;
use std::rc::Rc;

#[cleanup]
fn close(_: &Cell<u8>) {}

#[cleanup]
fn flush(_: Rc<u8>) {}

fn main() {}
