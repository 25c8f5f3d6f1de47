// Written by a macro of the user, whose fragments come in invisible groups.
macro_rules! hook {
    ($name:ident, $order:literal, $timeout:expr, $ty:ty) => {
        #[graceful::cleanup(order = $order, timeout = $timeout)]
        fn $name(_: &$ty, _: Option<&$ty>, _: $ty) {}
    };
}

macro_rules! item {
    ($item:item) => {
        #[graceful::cleanup]
        $item
    };
}

hook!(close, 10, "5s", Vec<String>);
hook!(flush, -10, "1s", (u8, u8));
item!(
    fn last(_: &str8) -> std::io::Result<()> {
        Ok(())
    }
);

#[allow(non_camel_case_types)]
struct str8;

fn main() {}
