use graceful::App;

#[graceful::main]
fn main(_: &mut App) {}
