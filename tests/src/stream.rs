//! Where the standard streams of a service lead.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::path::PathBuf;
use std::process::{ChildStdin, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Where one of the standard streams of a service leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// A pipe whose reader is gone.
    Broken,
    /// To the harness, line by line.
    Captured,
    /// This file.
    File(PathBuf),
    /// A pipe that is full and that nobody reads.
    Full,
}

/// Ends of pipes that must live as long as the process, or have to be read.
#[derive(Debug, Default)]
pub(crate) struct Held {
    readers: Vec<PipeReader>,
    pub(crate) stdin: Option<ChildStdin>,
}

impl Stream {
    pub(crate) fn open(&self, held: &mut Held) -> Stdio {
        match self {
            Self::Captured => Stdio::piped(),
            Self::File(path) => {
                let file = File::options().append(true).create(true).open(path);
                file.unwrap_or_else(|error| panic!("{} cannot be opened: {error}", path.display())).into()
            }
            Self::Broken => io::pipe().expect("a pipe can be had").1.into(),
            Self::Full => {
                let (reader, writer) = full_pipe().expect("a pipe can be filled");
                held.readers.push(reader);
                writer.into()
            }
        }
    }
}

fn full_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, mut writer) = io::pipe()?;
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    for chunk in [&[b'x'; 4096][..], b"x"] {
        while writer.write(chunk).is_ok() {}
    }
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok((reader, writer))
}
