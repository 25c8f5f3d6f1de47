#[reload(timeout = "2s")]
fn read_config(config: &Config) -> io::Result<()> {
    config.read()
}
