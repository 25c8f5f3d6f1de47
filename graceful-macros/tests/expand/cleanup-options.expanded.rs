#[allow(unused)]
pub(crate) fn close_db(db: &Db) -> Result<(), DbError> {
    db.close()
}
#[doc(hidden)]
pub(crate) enum close_db {}
impl framework::graceful::__private::Registered for close_db {
    const REGISTRATION: &'static framework::graceful::__private::Registration = {
        static REGISTRATION: framework::graceful::__private::Registration = framework::graceful::__private::Registration {
            item: framework::graceful::__private::Item::Cleanup {
                phase: framework::graceful::__private::HookPhase::BeforeDrain,
                order: -20i32,
                timeout: ::core::option::Option::Some(
                    ::core::time::Duration::new(60u64, 500000000u32),
                ),
            },
            name: "close database",
            origin: framework::graceful::__private::Origin {
                krate: ::core::env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
            },
            params: &[framework::graceful::__private::Param::shared::<Db>()],
            run: |__args| {
                let __arg0 = framework::graceful::__private::Args::shared::<Db>(__args)?;
                framework::graceful::__private::outcome(close_db(&*__arg0))
            },
        };
        &REGISTRATION
    };
}
framework::graceful::__private::inventory::submit! {
    framework::graceful::__private::Submitted(< close_db as
    framework::graceful::__private::Registered > ::REGISTRATION)
}
