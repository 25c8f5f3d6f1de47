use graceful::readiness;

#[readiness]
fn database() -> bool {
    true
}

fn main() {}
