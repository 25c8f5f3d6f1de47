fn sync_metrics(db: &Db, stop: &Stop) -> Result<(), DbError> {
    db.sync(stop)
}
#[doc(hidden)]
enum sync_metrics {}
impl ::graceful::__private::Registered for sync_metrics {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Task {
                every: ::core::option::Option::Some(
                    ::core::time::Duration::new(30u64, 0u32),
                ),
                panic: ::graceful::__private::PanicPolicy::Ignore,
                runner: ::graceful::__private::TaskRunner::THREAD,
            },
            name: "sync_metrics",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[
                ::graceful::__private::Param::shared::<Db>(),
                ::graceful::__private::Param::shared::<Stop>(),
            ],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::shared::<Db>(__args)?;
                let __arg1 = ::graceful::__private::Args::shared::<Stop>(__args)?;
                ::graceful::__private::outcome(sync_metrics(&*__arg0, &*__arg1))
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< sync_metrics as ::graceful::__private::Registered
    > ::REGISTRATION)
}
