// In modules, inside of functions, with every visibility, and through a `use`.
mod outer {
    pub mod inner {
        #[graceful::cleanup]
        pub(super) fn a() {}

        #[graceful::cleanup]
        pub(in crate::outer) fn b() {}

        #[graceful::cleanup]
        pub fn r#loop() {}
    }

    #[graceful::cleanup]
    fn a() {
        #[graceful::cleanup]
        fn a() {}

        a();
    }

    pub(crate) fn call() {
        inner::a();
        inner::b();
        a();
    }
}

use outer::inner::r#loop;

fn main() {
    // A registered function stays a function.
    outer::call();
    r#loop();
}
