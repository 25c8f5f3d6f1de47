fn consume(stop: graceful::Stop) {
    while !stop.is_stopping() {}
}
#[doc(hidden)]
enum consume {}
impl ::graceful::__private::Registered for consume {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Task {
                every: ::core::option::Option::None,
                panic: ::graceful::__private::PanicPolicy::Shutdown,
                runner: ::graceful::__private::TaskRunner::THREAD,
            },
            name: "consume",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[::graceful::__private::Param::owned::<graceful::Stop>()],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::owned::<
                    graceful::Stop,
                >(__args)?;
                ::graceful::__private::outcome(consume(__arg0))
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< consume as ::graceful::__private::Registered >
    ::REGISTRATION)
}
