#[cleanup(phase = "flush")]
/// Every way to take a value, with every kind of pattern.
fn close(
    shared: &Db,
    optional: Option<&pool::Cache>,
    arc: std::sync::Arc<Queue>,
    mut owned: Vec<Order>,
    (left, right): (Left, Right),
    _: Deadline,
) {
    work(shared, optional, arc, &mut owned, left, right)
}
