//! The fuzzer's corpus, and bounded damage to it, without a fuzzer: this is what a stable toolchain runs.

use std::path::Path;

use super::differential;

const MUTANTS: usize = 40;

/// What a mutant may have in it, besides bytes at random.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b"\0",
    b":",
    b",",
    b";",
    b"0\r\n\r\n",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"chunked",
    b"Host: x\r\n",
    b"HTTP/1.0",
    b"ffffffffffffffff",
];

fn replay(target: &str, run: fn(&[u8], &[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files = folder
        .read_dir()
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .collect::<Vec<_>>();
    files.sort();
    assert!(files.len() > 20, "the corpus is in {}", folder.display());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for file in files {
        let bytes = std::fs::read(&file).expect("a file of the corpus");
        let name = file.display();
        // Captured: it is seen when the test fails.
        println!("{name}");
        run(&bytes, differential::cuts(&bytes));
        for _ in 0..MUTANTS {
            let mutant = mutate(bytes.clone(), &mut random);
            println!("{name}: {}", mutant.escape_ascii());
            run(&mutant, differential::cuts(&mutant));
        }
    }
}

/// One to three changes: something replaced, left out, put in or repeated.
fn mutate(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(2) {
        let start = random.below(bytes.len());
        let end = bytes.len().min(start + random.below(8));
        let new = match random.below(4) {
            0 => vec![random.below(255) as u8],
            1 => Vec::new(),
            2 => PIECES[random.below(PIECES.len() - 1)].to_vec(),
            _ => bytes[start..end].repeat(2),
        };
        bytes.splice(start..end, new);
    }
    bytes
}

/// Xorshift: the same numbers at each run.
struct Random(u64);

impl Random {
    /// A number from 0 to `most`.
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % (most as u64 + 1)) as usize
    }
}

#[test]
fn requests() {
    replay("request", differential::request);
}

#[test]
fn chunked_bodies() {
    replay("chunked", differential::chunked);
}
