//! The fuzzer's corpus, and bounded damage to it, without a fuzzer: this is what a stable toolchain runs.

use std::path::Path;

use crate::fuzzing::cuts;

const MUTANTS: usize = 40;

/// Runs what a target runs, on its corpus and on mutants of it, which may have any of `pieces` in them.
pub(crate) fn replay(target: &str, pieces: &[&[u8]], run: fn(&[u8], &[u8])) {
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
        run(&bytes, cuts(&bytes));
        for _ in 0..MUTANTS {
            let mutant = mutate(bytes.clone(), pieces, &mut random);
            println!("{name}: {}", mutant.escape_ascii());
            run(&mutant, cuts(&mutant));
        }
    }
}

/// One to three changes: something replaced, left out, put in or repeated.
fn mutate(mut bytes: Vec<u8>, pieces: &[&[u8]], random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(2) {
        let start = random.below(bytes.len());
        let end = bytes.len().min(start + random.below(8));
        let new = match random.below(4) {
            0 => vec![random.below(255) as u8],
            1 => Vec::new(),
            2 => pieces[random.below(pieces.len() - 1)].to_vec(),
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
