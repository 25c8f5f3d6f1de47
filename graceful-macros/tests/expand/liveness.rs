#[liveness]
pub(crate) fn queue_moves(queue: &Queue) {}
