struct Task;
::core::compile_error! {
    "`#[task]` goes on a free function; write `#[task] fn name(..) { .. }`"
}
