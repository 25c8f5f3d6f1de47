//! Nothing but the standard library.

fn main() {
    println!("hello");
}
