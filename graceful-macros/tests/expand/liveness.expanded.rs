pub(crate) fn queue_moves(queue: &Queue) {}
#[doc(hidden)]
pub(crate) enum queue_moves {}
impl ::graceful::__private::Registered for queue_moves {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Check {
                kind: ::graceful::__private::CheckKind::Liveness,
                criticality: ::graceful::__private::Criticality::Critical,
                every: ::core::option::Option::None,
                timeout: ::core::option::Option::None,
                failures: ::core::option::Option::None,
                successes: ::core::option::Option::None,
                runner: ::graceful::__private::CheckRunner::THREADS,
            },
            name: "queue_moves",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[::graceful::__private::Param::shared::<Queue>()],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::shared::<Queue>(__args)?;
                ::graceful::__private::outcome(queue_moves(&*__arg0))
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< queue_moves as ::graceful::__private::Registered >
    ::REGISTRATION)
}
