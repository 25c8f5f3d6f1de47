pub async fn close_db(db: &Db) {}
#[doc(hidden)]
pub enum close_db {}
impl ::graceful::__private::Registered for close_db {
    const REGISTRATION: &'static ::graceful::__private::Registration = &::graceful::__private::Registration {
        item: ::graceful::__private::Item::Nothing,
        name: "",
        origin: ::graceful::__private::Origin {
            krate: "",
            module: "",
            file: "",
            line: 0,
        },
        params: &[],
        run: |_| ::graceful::__private::outcome(()),
    };
}
::core::compile_error! {
    "`timeout` takes a duration in a string; write `timeout = \"5s\"`"
}
::core::compile_error! {
    "there is no async runtime to run an `async fn`; write a blocking `fn close_db`"
}
