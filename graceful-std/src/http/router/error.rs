//! Why a router cannot serve.

use std::fmt;

use crate::http::params;

/// Why a [`Router`](super::Router) cannot serve. Told when the server starts; each says what to do about it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteError {
    /// Two patterns would match the same paths, and neither comes before the other.
    Conflict {
        /// The pattern that was added later.
        pattern: String,
        /// The one that was there.
        with: String,
    },
    /// Two handlers are there for the same requests.
    Duplicate {
        /// The method, `*` for handlers of any method.
        method: String,
        /// The pattern of the handler that was added later.
        pattern: String,
        /// That of the one that was there.
        with: String,
    },
    /// A handler or middleware asks for a value that nobody provides.
    MissingState {
        /// The type of the value.
        type_name: &'static str,
        /// The function that asks for it.
        function: &'static str,
    },
    /// A pattern is not one.
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A router was given two values of the same type.
    StateTwice {
        /// The type.
        type_name: &'static str,
    },
    /// A pattern has more parameters than can be kept.
    TooManyParams {
        /// As it was written.
        pattern: String,
    },
}

/// The text: see [`StartError`](crate::StartError).
impl fmt::Debug for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { pattern, with } => {
                write!(f, "the routes {pattern:?} and {with:?} match the same paths; make one of them more special")
            }
            Self::Duplicate { method, pattern, with } if pattern == with => {
                write!(f, "the route {method} {pattern:?} has two handlers; remove one")
            }
            Self::Duplicate { method, pattern, with } => {
                write!(
                    f,
                    "the routes {method} {pattern:?} and {method} {with:?} are the same, with two handlers; remove one"
                )
            }
            Self::MissingState { type_name, function } => write!(
                f,
                "{function} asks for &{type_name}, and none was provided; \
                 call `app.provide(value)` before the server starts, or `.state(value)` on its router"
            ),
            Self::Pattern { pattern, problem } => write!(f, "the route {pattern:?} is no pattern: {problem}"),
            Self::StateTwice { type_name } => {
                write!(f, "a router was given two values of type {type_name}; wrap one of them in a type of its own")
            }
            Self::TooManyParams { pattern } => {
                write!(f, "the route {pattern:?} has more than {} parameters; take the rest as {{*rest}}", params::MOST)
            }
        }
    }
}

impl std::error::Error for RouteError {}
