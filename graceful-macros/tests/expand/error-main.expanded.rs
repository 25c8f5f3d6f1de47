fn main() {
    #[allow(dead_code)]
    fn main(app: &App, db: &Db) {}
}
::core::compile_error! {
    "`drain = \"20\"` has no unit; write `drain = \"20s\"`"
}
::core::compile_error! {
    "`main` takes at most one parameter; write `fn main(app: &App)` and `app.provide(..)` for other values"
}
