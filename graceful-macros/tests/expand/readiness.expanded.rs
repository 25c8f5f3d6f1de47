fn database(db: &Db, until: Deadline) -> Result<(), DbError> {
    db.ping(until)
}
#[doc(hidden)]
enum database {}
impl ::graceful::__private::Registered for database {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Check {
                kind: ::graceful::__private::CheckKind::Readiness,
                criticality: ::graceful::__private::Criticality::Critical,
                every: ::core::option::Option::Some(
                    ::core::time::Duration::new(10u64, 0u32),
                ),
                timeout: ::core::option::Option::Some(
                    ::core::time::Duration::new(0u64, 500000000u32),
                ),
                failures: ::core::option::Option::Some(2u32),
                successes: ::core::option::Option::Some(4u32),
                runner: ::graceful::__private::CheckRunner::THREADS,
            },
            name: "main database",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[
                ::graceful::__private::Param::shared::<Db>(),
                ::graceful::__private::Param::owned::<Deadline>(),
            ],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::shared::<Db>(__args)?;
                let __arg1 = ::graceful::__private::Args::owned::<Deadline>(__args)?;
                ::graceful::__private::outcome(database(&*__arg0, __arg1))
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< database as ::graceful::__private::Registered >
    ::REGISTRATION)
}
