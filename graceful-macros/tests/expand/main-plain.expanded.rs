fn main() -> ::std::process::ExitCode {
    fn main() {
        work();
    }
    ::graceful::__private::main(
        ::graceful::__private::MainSpec {
            ..::graceful::__private::MainSpec::new(::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            })
        },
        |_| ::graceful::__private::outcome(main()),
    )
}
