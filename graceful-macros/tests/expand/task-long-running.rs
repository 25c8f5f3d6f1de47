#[task]
fn consume(stop: graceful::Stop) {
    while !stop.is_stopping() {}
}
