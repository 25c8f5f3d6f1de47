//! Certificates of the test's own, made by `openssl`.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes a certificate for a server on 127.0.0.1 in `folder`: `NAME.pem` and `NAME.key`, and in `NAME-ca.pem` the authority
/// that has signed it and is good for nothing else. `command` makes the command, which decides whose the files are.
#[track_caller]
pub(crate) fn issue(folder: &Path, name: &str, command: impl Fn(&str) -> Command) {
    let openssl = |line: &str| {
        let line = line.replace("NAME", name);
        let output = command("openssl").args(line.split_whitespace()).current_dir(folder).output();
        let output = output.expect("openssl is there: tests/run installs it");
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\n").expect("a file can be written");
    openssl(&format!("req -x509 {KEY} -days 2 -subj /CN=NAME-ca -keyout NAME-ca.key -out NAME-ca.pem"));
    openssl(&format!("req {KEY} -subj /CN=NAME -keyout NAME.key -out NAME.csr"));
    let signer = "-CA NAME-ca.pem -CAkey NAME-ca.key -CAcreateserial";
    openssl(&format!("x509 -req -in NAME.csr {signer} -days 2 -extfile extensions -out NAME.pem"));
}
