// Answers as native Cedar does, for src/decision/parser/compare-random.fuzz.ts. Each line of standard input is one of
// `{"schema": …, "policies": {id: …}}`, `{"entities": […]}` and `{"requests": [{principal, action, resource, context}, …]}`; the two former
// stay until the next of their kind. Each has a line of output: `"taken"` or `"refused"`, and for requests a list of `"refused"` or
// `[decision, reasons, erring policies]`. Entities, contexts and requests are validated by the schema.
use cedar_policy::{AuthorizationError, Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema};
use serde_json::{json, Value};
use std::io::{stdin, stdout, BufRead, Write};

struct Oracle {
    authorizer: Authorizer,
    schema: Option<Schema>,
    policies: PolicySet,
    entities: Option<Entities>,
}

impl Oracle {
    fn take_set(&mut self, schema: Value, policies: Value) {
        self.schema = Some(Schema::from_json_value(schema).expect("a schema"));
        let set = json!({ "staticPolicies": policies, "templates": {}, "templateLinks": [] });
        self.policies = PolicySet::from_json_value(set).expect("policies");
        self.entities = None;
    }

    fn answer(&self, request: &Value) -> Option<Value> {
        let (schema, entities) = (self.schema.as_ref()?, self.entities.as_ref()?);
        let uid = |name: &str| EntityUid::from_json(request[name].clone()).ok();
        let action = uid("action")?;
        let context = Context::from_json_value(request["context"].clone(), Some((schema, &action))).ok()?;
        let request = Request::new(uid("principal")?, action, uid("resource")?, context, Some(schema)).ok()?;
        let response = self.authorizer.is_authorized(&request, &self.policies, entities);
        let decision = if response.decision() == Decision::Allow { "allow" } else { "deny" };
        let diagnostics = response.diagnostics();
        let reasons: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        let erring = |AuthorizationError::PolicyEvaluationError(error): &AuthorizationError| error.policy_id().to_string();
        let errors: Vec<String> = diagnostics.errors().map(erring).collect();
        Some(json!([decision, reasons, errors]))
    }

    fn line(&mut self, mut line: Value) -> Value {
        if let Some(requests) = line["requests"].as_array() {
            return requests.iter().map(|request| self.answer(request).unwrap_or(json!("refused"))).collect();
        }
        if line["entities"].is_array() {
            self.entities = Entities::from_json_value(line["entities"].take(), self.schema.as_ref()).ok();
            return json!(if self.entities.is_some() { "taken" } else { "refused" });
        }
        self.take_set(line["schema"].take(), line["policies"].take());
        json!("taken")
    }
}

fn main() {
    let mut oracle = Oracle { authorizer: Authorizer::new(), schema: None, policies: PolicySet::new(), entities: None };
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let answer = oracle.line(serde_json::from_str(&line.expect("a line")).expect("JSON"));
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("written");
    }
}
