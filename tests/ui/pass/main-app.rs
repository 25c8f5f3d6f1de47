use graceful::App;

#[graceful::main(timeout = "10s")]
#[allow(clippy::unnecessary_wraps)]
fn main(app: &App) -> Result<(), graceful::BoxError> {
    #![allow(unused_variables)]
    let unused = 1;
    let _: &App = app;
    Ok(())
}
