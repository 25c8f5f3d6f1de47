#[main]
fn main() {
    work();
}
