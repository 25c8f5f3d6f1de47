pub fn main() -> ::std::process::ExitCode {
    fn main(_: &App) {}
    crate::framework::__private::main(
        crate::framework::__private::MainSpec {
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::new(30u64, 0u32),
            ),
            lame_duck: ::core::option::Option::Some(
                ::core::time::Duration::new(0u64, 0u32),
            ),
            drain: ::core::option::Option::Some(
                ::core::time::Duration::new(20u64, 0u32),
            ),
            tasks: ::core::option::Option::Some(
                ::core::time::Duration::new(10u64, 0u32),
            ),
            flush: ::core::option::Option::Some(::core::time::Duration::new(1u64, 0u32)),
            debounce: ::core::option::Option::Some(
                ::core::time::Duration::new(0u64, 250000000u32),
            ),
            config: ::core::option::Option::Some(
                crate::framework::__private::settings_file("service.toml"),
            ),
            incomplete_exit_code: ::core::option::Option::Some(0u8),
            expect_hooks: ::core::option::Option::Some(4usize),
            hooks: &[
                <close_db as crate::framework::__private::Registered>::REGISTRATION,
            ],
            signals: &[
                (
                    crate::framework::__private::Signal::Term,
                    crate::framework::__private::SignalAction::Shutdown,
                ),
                (
                    crate::framework::__private::Signal::Int,
                    crate::framework::__private::SignalAction::Shutdown,
                ),
                (
                    crate::framework::__private::Signal::Quit,
                    crate::framework::__private::SignalAction::Ignore,
                ),
                (
                    crate::framework::__private::Signal::Hup,
                    crate::framework::__private::SignalAction::Reload,
                ),
                (
                    crate::framework::__private::Signal::Usr2,
                    crate::framework::__private::SignalAction::Ignore,
                ),
            ],
            ..crate::framework::__private::MainSpec::new(crate::framework::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            })
        },
        |__app| crate::framework::__private::outcome(main(__app)),
    )
}
