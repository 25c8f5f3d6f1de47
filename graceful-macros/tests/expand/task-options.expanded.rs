pub fn consume(queue: Arc<Queue>, stop: &Stop) {
    queue.run(stop)
}
#[doc(hidden)]
pub enum consume {}
impl ::graceful::__private::Registered for consume {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Task {
                every: ::core::option::Option::None,
                panic: ::graceful::__private::PanicPolicy::Restart,
                runner: ::graceful::__private::TaskRunner::THREAD,
            },
            name: "consumer",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[
                ::graceful::__private::Param::arc::<Queue>(),
                ::graceful::__private::Param::shared::<Stop>(),
            ],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::arc::<Queue>(__args)?;
                let __arg1 = ::graceful::__private::Args::shared::<Stop>(__args)?;
                ::graceful::__private::outcome(consume(__arg0, &*__arg1))
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< consume as ::graceful::__private::Registered >
    ::REGISTRATION)
}
