fn close_db() {}
#[doc(hidden)]
enum close_db {}
impl ::graceful::__private::Registered for close_db {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Cleanup {
                phase: ::graceful::__private::HookPhase::Cleanup,
                order: 0i32,
                timeout: ::core::option::Option::None,
            },
            name: "close_db",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[],
            run: |__args| { ::graceful::__private::outcome(close_db()) },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< close_db as ::graceful::__private::Registered >
    ::REGISTRATION)
}
