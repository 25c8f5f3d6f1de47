use std::process::ExitCode;

#[graceful::main]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
