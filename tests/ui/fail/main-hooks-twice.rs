mod db {
    #[graceful::cleanup]
    pub fn close() {}
}

#[graceful::main(hooks = [db::close, db::close])]
fn main() {}
