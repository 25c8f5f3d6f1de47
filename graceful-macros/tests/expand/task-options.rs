#[task(panic = "restart", name = "consumer")]
pub fn consume(queue: Arc<Queue>, stop: &Stop) {
    queue.run(stop)
}
