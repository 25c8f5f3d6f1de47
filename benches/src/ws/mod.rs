//! WebSockets next to their peers: `benches/run ws`.

mod broadcast;
mod crowd;
mod echo;
mod goodbye;
mod losses;
mod memory;
mod parting;
mod programs;
mod wire;

use std::process::ExitCode;

use crate::contest::Contest;
use crate::contest::report::Ratios;

const HELP: &str = "\
usage: benches/run ws [ROW...] [OPTION...]

Measures WebSockets next to their peers and prints a table in markdown on stdout. All rows when none is named:

  memory      resident memory of one silent socket, of 10 000
  goodbye     10 000 silent sockets at the stop signal: time to the last Close and to the end, and how each client ended
  mute        the same with clients that never answer a Close
  echo        64 clients in a closed loop: messages/s and processor time of the server for a message
  broadcast   a message to 10 000 clients in one room: deliveries/s and processor time of the server for a delivery
  losses      64 clients in a closed loop at the stop signal: messages without an answer, and how each client ended

  --quick               one short round of each, to see that all works: not for the record
  --rounds N            rounds of each row (5)
  --seconds N           how long `echo` is measured (3)
  --warm-up N           how long it has run before that (1)
  --runs N              stop signals in `losses` (50)
  --connections N       sockets in `memory`, `goodbye`, `mute` and `broadcast` (10000)
  --only A,B            only these programs
  --variant NAME=PROGRAM,VAR=VALUE...
                        one more program: another one with environment variables set; may be given again
  --json FILE           where every sample goes (bench-ws/results.json in the target directory)
  -h, --help            this text
";

const CONTEST: Contest = Contest {
    name: "ws",
    help: HELP,
    rows: &[
        ("memory", memory::measure),
        ("goodbye", goodbye::measure),
        ("mute", goodbye::mute),
        ("echo", echo::measure),
        ("broadcast", broadcast::measure),
        ("losses", losses::measure),
    ],
    candidates: programs::all,
    ratios: Ratios::Peers,
};

/// The path that sends each message back.
const ECHO: &str = "/ws";

/// The path that sends each message to all who have asked for it.
const ROOM: &str = "/room";

pub(crate) fn main(args: &[String]) -> ExitCode {
    CONTEST.main(args)
}
