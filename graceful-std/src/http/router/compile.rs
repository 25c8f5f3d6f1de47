//! From what the user wrote to what the server asks.

use std::sync::Arc;

use ::http::header::ALLOW;
use ::http::{HeaderValue, Method, StatusCode};
use graceful_core::__private::owned_text;
use matchit::InsertError;

use super::error::RouteError;
use super::pattern::{self, Pattern};
use super::routes::{Endpoint, Node, Routes, Tree};
use super::state::{Around, StateLookup, States};
use super::{Route, Router};
use crate::http::handler::Call;
use crate::http::middleware::{Layer, Next};
use crate::http::params::RouteText;
use crate::http::response;

impl Router {
    /// Makes it ready to serve. `values` has what handlers ask for and no router has.
    pub(crate) fn compile(self, values: &dyn StateLookup) -> Result<Routes, RouteError> {
        let mut compiler = Compiler::default();
        let root = compiler.add(self, "", &[], Around::Main(values))?;
        compiler.finish(root)
    }
}

#[derive(Default)]
struct Compiler {
    endpoints: Vec<Endpoint>,
    paths: Vec<Path>,
    /// The place in `paths` of each shape, sorted by shape.
    shapes: Vec<(String, usize)>,
    fallbacks: Option<Tree>,
}

/// All routes whose patterns have the same shape.
struct Path {
    /// Of the pattern that came first.
    text: &'static RouteText,
    /// The middleware of the router that it came from.
    layers: Arc<[Layer]>,
    methods: Vec<(Method, usize)>,
    any: Option<usize>,
}

/// What is left of a router once its routes have been taken.
struct Rest {
    layers: Arc<[Layer]>,
    fallback: Option<usize>,
}

impl Compiler {
    /// Takes a router in that stands under `prefix`.
    fn add(
        &mut self,
        router: Router,
        prefix: &str,
        layers_around: &[Layer],
        around: Around<'_>,
    ) -> Result<Rest, RouteError> {
        let Router { routes, nested, layers, fallback, state } = router;
        state.check()?;
        let states = States::new(&state, around);
        let mut chain = layers_around.to_vec();
        for layer in layers {
            chain.push(layer.resolve(&states)?);
        }
        let layers: Arc<[Layer]> = chain.into();
        for route in routes {
            self.add_route(route, prefix, &layers, &states)?;
        }
        for (text, router) in nested {
            let prefix = pattern::prefix(prefix, &text)?;
            let rest = self.add(router, &prefix, &layers, Around::Router(&states))?;
            if let Some(fallback) = rest.fallback {
                self.add_fallback(&prefix, fallback)?;
            }
        }
        let fallback = match fallback {
            Some(handler) => Some(self.endpoint("fallback", None, &layers, handler.resolve(&states)?)),
            None => None,
        };
        Ok(Rest { layers, fallback })
    }

    fn add_route(
        &mut self,
        route: Route,
        prefix: &str,
        layers: &Arc<[Layer]>,
        states: &States<'_>,
    ) -> Result<(), RouteError> {
        let Route { method, pattern, handler } = route;
        // A mistake is told in the user's words, without the prefix.
        Pattern::parse(&pattern)?;
        let joined = pattern::join(prefix, &pattern);
        let pattern = Pattern::parse(&joined)?;
        let text = RouteText::of(pattern.text, &pattern.names);
        let index = match self.shapes.binary_search_by(|(known, _)| known.cmp(&pattern.shape)) {
            Ok(at) => self.shapes[at].1,
            Err(at) => {
                self.shapes.insert(at, (pattern.shape, self.paths.len()));
                self.paths.push(Path { text, layers: Arc::clone(layers), methods: Vec::new(), any: None });
                self.paths.len() - 1
            }
        };
        if let Some(there) = self.paths[index].handler_of(method.as_ref()) {
            let with = owned_text(self.endpoints[there].name);
            let method = owned_text(method.as_ref().map_or("*", Method::as_str));
            return Err(RouteError::Duplicate { method, pattern: joined, with });
        }
        let endpoint = self.endpoint(&text.pattern, Some(text), layers, handler.resolve(states)?);
        match method {
            Some(method) => self.paths[index].methods.push((method, endpoint)),
            None => self.paths[index].any = Some(endpoint),
        }
        Ok(())
    }

    /// The prefix itself, and all below.
    fn add_fallback(&mut self, prefix: &str, endpoint: usize) -> Result<(), RouteError> {
        for end in ["", "/", "/{*rest}"] {
            let pattern = format!("{prefix}{end}");
            if !pattern.is_empty() {
                insert(&mut self.fallbacks, &pattern, endpoint)?;
            }
        }
        Ok(())
    }

    fn finish(mut self, root: Rest) -> Result<Routes, RouteError> {
        let Rest { layers, fallback } = root;
        let not_found = match fallback {
            Some(fallback) => fallback,
            None => self.endpoint("not found", None, &layers, Box::new(|_| response::status(StatusCode::NOT_FOUND))),
        };
        let bad_escape = "the path has an escape that cannot be decoded\n";
        let bad_request: Call = Box::new(move |_| response::text(StatusCode::BAD_REQUEST, bad_escape));
        let bad_request = self.endpoint("bad request", None, &layers, bad_request);
        let server_options: Call = Box::new(|_| response::status(StatusCode::NO_CONTENT));
        let server_options = self.endpoint("options", None, &layers, server_options);
        let (mut tree, mut nodes) = (None, Vec::new());
        for path in std::mem::take(&mut self.paths) {
            insert(&mut tree, &path.text.pattern, nodes.len())?;
            nodes.push(self.node(path));
        }
        let Self { endpoints, fallbacks, .. } = self;
        Ok(Routes { tree, nodes, fallbacks, endpoints, not_found, bad_request, server_options })
    }

    fn node(&mut self, path: Path) -> Node {
        let allow = path.allow();
        let Path { text, layers, mut methods, any } = path;
        let get = methods.iter().position(|(method, _)| *method == Method::GET);
        let get = get.map(|place| methods.swap_remove(place).1);
        let (rest, options) = match any {
            Some(any) => (any, any),
            None => {
                let name = &text.pattern;
                let refuse = answer_with(StatusCode::METHOD_NOT_ALLOWED, &allow);
                let tell = answer_with(StatusCode::NO_CONTENT, &allow);
                (self.endpoint(name, Some(text), &layers, refuse), self.endpoint(name, Some(text), &layers, tell))
            }
        };
        Node { get, others: methods, rest, options }
    }

    fn endpoint(
        &mut self,
        name: &'static str,
        text: Option<&'static RouteText>,
        layers: &Arc<[Layer]>,
        call: Call,
    ) -> usize {
        let call = if layers.is_empty() {
            call
        } else {
            let layers = Arc::clone(layers);
            Box::new(move |request| Next::new(&layers, &call).run(request))
        };
        let ordinal = self.endpoints.len();
        self.endpoints.push(Endpoint { call, ordinal, name, text });
        ordinal
    }
}

impl Path {
    fn handler_of(&self, method: Option<&Method>) -> Option<usize> {
        match method {
            Some(method) => self.methods.iter().find(|(known, _)| known == method).map(|(_, index)| *index),
            None => self.any,
        }
    }

    /// What is answered, in the order of the alphabet: what has a handler, and what is answered by itself.
    fn allow(&self) -> String {
        let has_get = self.methods.iter().any(|(method, _)| *method == Method::GET);
        let implied = if has_get { &["HEAD", "OPTIONS"][..] } else { &["OPTIONS"] };
        let mut names: Vec<&str> = Vec::new();
        for name in self.methods.iter().map(|(method, _)| method.as_str()).chain(implied.iter().copied()) {
            if let Err(at) = names.binary_search(&name) {
                names.insert(at, name);
            }
        }
        names.join(", ")
    }
}

fn answer_with(status: StatusCode, allow: &str) -> Call {
    // Invariant: methods are tokens, so that any list of them is a header's value.
    let allow = HeaderValue::try_from(allow).unwrap_or(HeaderValue::from_static(""));
    Box::new(move |_| {
        let mut response = response::status(status);
        response.headers_mut().insert(ALLOW, allow.clone());
        response
    })
}

/// Adds to a tree of numbers, which is made when the first one comes. All trees are of one type, and this is not inlined: the
/// insertion is a lot of code.
#[inline(never)]
fn insert(tree: &mut Option<Tree>, pattern: &str, value: usize) -> Result<(), RouteError> {
    tree.get_or_insert_default().insert(pattern, value).map_err(|error| refused(pattern, error))
}

/// What the tree refuses, in our words.
fn refused(pattern: &str, error: InsertError) -> RouteError {
    let pattern = owned_text(pattern);
    match error {
        InsertError::Conflict { with } => RouteError::Conflict { pattern, with },
        InsertError::InvalidParamSegment => {
            RouteError::Pattern { pattern, problem: "a segment has one parameter at most" }
        }
        InsertError::InvalidCatchAll => RouteError::Pattern { pattern, problem: "{*name} is the whole last segment" },
        _ => RouteError::Pattern {
            pattern,
            problem: "a parameter is written {name}, or {*name} for the rest of the path",
        },
    }
}
