// Conditions and lints on the function apply to its registration too.
#[cfg(any())]
struct Absent;

#[graceful::cleanup]
#[cfg(any())]
fn a(_: &Absent) {}

#[cfg_attr(all(), graceful::cleanup(order = 1))]
#[allow(unused_variables)]
fn b(value: &String) {}

fn main() {}
