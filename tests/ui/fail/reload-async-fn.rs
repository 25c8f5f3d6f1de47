use graceful::reload;

#[reload]
async fn read() {}

fn main() {}
