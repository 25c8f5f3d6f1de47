/// Every way to take a value, with every kind of pattern.
fn close(
    shared: &Db,
    optional: Option<&pool::Cache>,
    arc: std::sync::Arc<Queue>,
    mut owned: Vec<Order>,
    (left, right): (Left, Right),
    _: Deadline,
) {
    work(shared, optional, arc, &mut owned, left, right)
}
#[doc(hidden)]
enum close {}
impl ::graceful::__private::Registered for close {
    const REGISTRATION: &'static ::graceful::__private::Registration = {
        static REGISTRATION: ::graceful::__private::Registration = ::graceful::__private::Registration {
            item: ::graceful::__private::Item::Cleanup {
                phase: ::graceful::__private::HookPhase::Flush,
                order: 0i32,
                timeout: ::core::option::Option::None,
            },
            name: "close",
            origin: ::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[
                ::graceful::__private::Param::shared::<Db>(),
                ::graceful::__private::Param::optional::<pool::Cache>(),
                ::graceful::__private::Param::arc::<Queue>(),
                ::graceful::__private::Param::owned::<Vec<Order>>(),
                ::graceful::__private::Param::owned::<(Left, Right)>(),
                ::graceful::__private::Param::owned::<Deadline>(),
            ],
            run: |__args| {
                let __arg0 = ::graceful::__private::Args::shared::<Db>(__args)?;
                let __arg1 = ::graceful::__private::Args::optional::<
                    pool::Cache,
                >(__args)?;
                let __arg2 = ::graceful::__private::Args::arc::<Queue>(__args)?;
                let __arg3 = ::graceful::__private::Args::owned::<Vec<Order>>(__args)?;
                let __arg4 = ::graceful::__private::Args::owned::<
                    (Left, Right),
                >(__args)?;
                let __arg5 = ::graceful::__private::Args::owned::<Deadline>(__args)?;
                ::graceful::__private::outcome(
                    close(
                        &*__arg0,
                        ::core::option::Option::as_deref(&__arg1),
                        __arg2,
                        __arg3,
                        __arg4,
                        __arg5,
                    ),
                )
            },
        };
        &REGISTRATION
    };
}
::graceful::__private::inventory::submit! {
    ::graceful::__private::Submitted(< close as ::graceful::__private::Registered >
    ::REGISTRATION)
}
