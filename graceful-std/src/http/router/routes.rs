//! What the server asks: which endpoint answers this request.

use std::fmt;

use ::http::Method;

use crate::http::handler::Call;
use crate::http::params::{Params, RouteText};

/// A router, ready to serve. Every request finds an endpoint.
#[derive(Debug)]
pub(crate) struct Routes {
    /// `None` if it would be empty, here and below: asking an empty tree takes longer than asking a full one.
    pub(super) tree: Option<Tree>,
    /// What the tree has the places of.
    pub(super) nodes: Vec<Node>,
    /// Where a nested router answers what its patterns do not: its prefix, and all below. It has places in `endpoints`.
    pub(super) fallbacks: Option<Tree>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) not_found: usize,
    pub(super) bad_request: usize,
    pub(super) server_options: usize,
}

/// A tree of patterns.
pub(super) type Tree = matchit::Router<usize>;

/// What answers a request: a handler with all its middleware, or an answer of the router's own with it.
pub(crate) struct Endpoint {
    pub(crate) call: Call,
    /// Its place among all, below [`Routes::len`].
    pub(crate) ordinal: usize,
    /// The route's pattern, or what it is otherwise.
    pub(crate) name: &'static str,
    pub(super) text: Option<&'static RouteText>,
}

/// The endpoint for a request, and the parameters that the request is made with.
#[derive(Debug)]
pub(crate) struct Found<'r> {
    pub(crate) endpoint: &'r Endpoint,
    pub(crate) params: Params,
}

/// What answers the methods of one path, by endpoint.
#[derive(Debug)]
pub(super) struct Node {
    /// Apart from the others, since it is what is asked for most.
    pub(super) get: Option<usize>,
    pub(super) others: Vec<(Method, usize)>,
    /// What answers the methods that are not among them.
    pub(super) rest: usize,
    /// For `OPTIONS`, if no handler is there for it.
    pub(super) options: usize,
}

impl Routes {
    /// How many endpoints there are.
    pub(crate) fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// All endpoints, by their ordinal.
    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// What answers this request. The body of the answer to a `HEAD` request is not to be sent.
    ///
    /// The response of the endpoint may have its media type in its [body](crate::http::Body::media_type) only.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Some(Ok(matched)) = self.tree.as_ref().map(|tree| tree.at(path)) else {
            return self.fallback(method, path);
        };
        let endpoint = &self.endpoints[self.nodes[*matched.value].select(method)];
        if matched.params.is_empty() {
            return Found { endpoint, params: Params::none(endpoint.text) };
        }
        match Params::new(endpoint.text, path, matched.params.iter().map(|(_, value)| value)) {
            Ok(params) => Found { endpoint, params },
            Err(_) => self.found(self.bad_request),
        }
    }

    fn fallback(&self, method: &Method, path: &str) -> Found<'_> {
        if *method == Method::OPTIONS && path == "*" {
            return self.found(self.server_options);
        }
        let nested = self.fallbacks.as_ref().and_then(|fallbacks| fallbacks.at(path).ok());
        self.found(nested.map_or(self.not_found, |matched| *matched.value))
    }

    fn found(&self, index: usize) -> Found<'_> {
        Found { endpoint: &self.endpoints[index], params: Params::default() }
    }
}

impl Node {
    fn select(&self, method: &Method) -> usize {
        if *method == Method::GET
            && let Some(get) = self.get
        {
            return get;
        }
        if let Some((_, index)) = self.others.iter().find(|(known, _)| known == method) {
            return *index;
        }
        match (method, self.get) {
            (&Method::HEAD, Some(get)) => get,
            (&Method::OPTIONS, _) => self.options,
            _ => self.rest,
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).field("ordinal", &self.ordinal).finish_non_exhaustive()
    }
}
