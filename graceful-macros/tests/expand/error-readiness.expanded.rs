fn database(db: Db) {}
#[doc(hidden)]
enum database {}
impl ::graceful::__private::Registered for database {
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
    "`critical` takes no value; write `critical`, or remove it"
}
::core::compile_error! {
    "a check that may take 1m cannot run every 5s, which is its interval by default; write `every = \"1m\"` or more, or `timeout = \"5s\"` or less"
}
::core::compile_error! {
    "`Db` could be taken out only once, and this function may run many times; write `&Db` or `Arc<Db>` (by value are legal `Arc<T>`, `App`, `Deadline`, `Stop`)"
}
