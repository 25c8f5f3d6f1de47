use graceful::task;

#[task(every = "1s")]
async fn sync() {}

fn main() {}
