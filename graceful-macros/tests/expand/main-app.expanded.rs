fn main() -> ::std::process::ExitCode {
    #[allow(clippy::needless_pass_by_value)]
    fn main(app: &App) -> Result<(), BoxError> {
        app.provide(Db::open()?);
        Ok(())
    }
    ::graceful::__private::main(
        ::graceful::__private::MainSpec {
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::new(30u64, 0u32),
            ),
            hooks: &[
                <dep::close_db as ::graceful::__private::Registered>::REGISTRATION,
                <self::flush as ::graceful::__private::Registered>::REGISTRATION,
            ],
            ..::graceful::__private::MainSpec::new(::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            })
        },
        |__app| ::graceful::__private::outcome(main(__app)),
    )
}
