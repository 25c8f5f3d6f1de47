#[task]
struct Task;
