fn read_config(config: &Config) -> io::Result<()> {
    config.read()
}
#[doc(hidden)]
enum read_config {}
impl ::graceful::__private::Registered for read_config {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Reload {
                timeout: ::core::option::Option::Some(
                    ::core::time::Duration::new(2u64, 0u32),
                ),
                runner: ::graceful::__private::ReloadRunner::THREAD,
            },
            name: "read_config",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[::graceful::__private::Param::shared::<Config>()],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::shared::<Config>(__args)?;
                ::graceful::__private::outcome(read_config(&*__arg0))
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< read_config as ::graceful::__private::Registered >
    ::REGISTRATION)
}
