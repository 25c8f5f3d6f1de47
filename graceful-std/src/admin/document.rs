//! The OpenAPI document.

/// As for the prefix `/admin`.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// The document for a prefix.
pub(super) fn document(prefix: &str) -> String {
    DOCUMENT.replace("\"/admin/", &format!("\"{prefix}/"))
}

#[cfg(test)]
mod tests {
    use graceful_core::Runtime;
    use serde_json::Value;

    use super::*;
    use crate::admin::Admin;
    use crate::admin::routes::Api;
    use crate::health::Probes;

    fn routes(admin: Admin) -> Vec<(String, String)> {
        let runtime = Runtime::builder("documented").start().expect("a guest");
        let app = runtime.app();
        let api = Api::new(admin, app).expect("nothing is wrong");
        #[cfg(feature = "metrics")]
        let (probes, metrics) = {
            let metrics = crate::metrics::Metrics::new(app);
            (Probes::new().metrics(metrics.clone()), Some(metrics))
        };
        #[cfg(not(feature = "metrics"))]
        let probes = Probes::new();
        let routes = api.add_to(
            probes.routes(app),
            #[cfg(feature = "metrics")]
            metrics,
        );
        let mut list = routes.list();
        list.sort();
        list
    }

    fn documented(prefix: &str) -> Vec<(String, String)> {
        let document: Value = serde_json::from_str(&document(prefix)).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let methods = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().expect("methods").keys();
            methods.map(|method| (method.to_ascii_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        let mut list: Vec<_> = paths.iter().flat_map(methods).collect();
        list.sort();
        list
    }

    #[cfg(feature = "metrics")]
    #[test]
    fn every_route_is_documented_and_nothing_else_is() {
        assert_eq!(routes(Admin::new()), documented("/admin"));
        assert_eq!(routes(Admin::new().prefix("/ops/v1")), documented("/ops/v1"));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(target)) = members.get("$ref") {
                        let target = target.strip_prefix('#').expect("inside of the document");
                        assert!(document.pointer(target).is_some(), "{target}");
                    }
                    members.values().for_each(|value| check(value, document));
                }
                Value::Array(items) => items.iter().for_each(|value| check(value, document)),
                _ => {}
            }
        }
        check(&document, &document);
        assert!(!routes(Admin::new()).is_empty());
    }
}
