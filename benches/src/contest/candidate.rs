//! The programs that are compared.

use std::env;
use std::path::PathBuf;

use graceful_benches::Result;
use nix::sys::signal::Signal;

/// One program, and what may be asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) role: Role,
    /// What its documentation says ends it well.
    pub(crate) stop: Signal,
}

/// Where it comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Of the system's packages, in the path.
    Nginx,
    /// Built here.
    Program(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A loop to compare designs with. It has handlers and does not end well.
    Design,
    /// A fixed answer, no handlers.
    Fixed,
    /// Handlers of one's own, which may block.
    Framework,
    /// A framework, with routes that only ours has.
    Ours,
    /// Only to compare a crowd of sleeping handlers with.
    Pool,
}

/// Ratios are told to this one, and of the other.
pub(crate) const FLOOR: &str = "raw";
pub(crate) const OURS: &str = "graceful";

/// Where the peers of a contest are built, and results go.
pub(crate) fn directory(contest: &str) -> Result<PathBuf> {
    Ok(target()?.join(format!("bench-{contest}")))
}

/// Our own candidate.
pub(crate) fn ours() -> Result<Candidate> {
    Ok(Candidate::new(OURS, Source::Program(target()?.join("release/examples/bench")), Role::Ours))
}

/// The target directory is two above this binary.
fn target() -> Result<PathBuf> {
    let exe = env::current_exe()?;
    Ok(exe.ancestors().nth(2).ok_or("the binary is in a target directory")?.to_owned())
}

/// `NAME=PROGRAM,VAR=VALUE...`
pub(crate) fn variant(text: &str, known: &[Candidate]) -> Result<Candidate> {
    let form = || format!("a variant is written NAME=PROGRAM,VAR=VALUE, not {text}");
    let (name, rest) = text.split_once('=').ok_or_else(form)?;
    let mut parts = rest.split(',');
    let of = parts.next().ok_or_else(form)?;
    let base = known.iter().find(|one| one.name == of).ok_or_else(|| format!("no program is called {of}"))?;
    let mut environment = base.environment.clone();
    for part in parts {
        let (variable, value) = part.split_once('=').ok_or_else(form)?;
        environment.push((variable.to_owned(), value.to_owned()));
    }
    Ok(Candidate { name: name.to_owned(), environment, ..base.clone() })
}

impl Candidate {
    pub(crate) fn new(name: &str, source: Source, role: Role) -> Self {
        Self { name: name.to_owned(), source, environment: Vec::new(), role, stop: Signal::SIGTERM }
    }

    /// Why it cannot be measured, if so.
    pub(crate) fn missing(&self) -> Option<String> {
        match &self.source {
            Source::Program(path) => (!path.exists()).then(|| format!("{} was not built", path.display())),
            Source::Nginx => {
                let path = env::var_os("PATH").unwrap_or_default();
                let found = env::split_paths(&path).any(|folder| folder.join("nginx").exists());
                (!found).then(|| "nginx is not installed".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_have_variables() {
        let known = [Candidate::new(OURS, Source::Nginx, Role::Framework)];
        let check = |text: &str, wanted: &[(&str, &str)]| {
            let variant = variant(text, &known).expect("a variant");
            let found: Vec<_> = variant.environment.iter().map(|(one, other)| (&**one, &**other)).collect();
            assert_eq!((variant.name.as_str(), &found[..]), ("two", wanted));
        };
        check("two=graceful", &[]);
        check("two=graceful,LOOPS=2,MODE=a=b", &[("LOOPS", "2"), ("MODE", "a=b")]);
        assert!(variant("two", &known).is_err());
        assert!(variant("two=nobody", &known).is_err());
        assert!(variant("two=graceful,LOOPS", &known).is_err());
    }
}
